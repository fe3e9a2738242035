/** Texts and styles of what the journal shows after its first rows: whoever needs them imports this. */

import { load } from '../i18n.js';
import { style } from '../routes.js';

await Promise.all([load('journal-later'), style('journal-later')]);
