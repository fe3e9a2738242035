/** Who a visitor is: all ids and e-mails that belong together, and since when it is known. */

import { el, icon } from '../dom.js';
import { personHref } from '../event.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { link } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {{id: string, identities: {tenant_id: string, source: string, kind: string, value: string}[], more_identities: boolean, summary: Record<string, any>}} Visitor */

/** @param {Visitor} visitor */
export function visitorHead(visitor) {
  const { summary } = visitor;
  const email = visitor.identities.find((one) => one.kind === 'actor_email')?.value;
  const ids = visitor.identities.filter((one) => one.kind === 'visitor_id').map((one) => one.value);
  return el(
    'header',
    { class: 'stack tight' },
    el('div', { class: 'page-head' }, el('h1', null, el('bdi', null, visible(email ?? visitor.id))), el('span', { class: `badge ${email ? 'note' : ''}` }, t(email ? 'visitor.known' : 'visitor.anonymous')), ids.length > 0 && el('a', { class: 'button quiet', href: link('/sessions', { visitor_id: ids }) }, icon('clock'), t('visitor.sessions', { n: Number(summary.sessions ?? 0) }))),
    el('div', { class: 'row wrap muted' }, el('code', null, visible(visitor.id)), copyButton(visitor.id), el('span', null, t('core.events', { n: Number(summary.events ?? 0) })), el('span', null, `${time(summary.first_event_at, { fraction: false })} – ${time(summary.last_event_at, { fraction: false })}`)),
    summary.identified_at && el('p', { class: 'muted' }, t('visitor.identified', { time: time(summary.identified_at, { fraction: false }) }), Number(summary.anonymous_events) > 0 && ` ${t('visitor.before', { n: Number(summary.anonymous_events) })}`),
  );
}

/** @param {Visitor} visitor */
export function visitorIdentities(visitor) {
  return el(
    'section',
    { class: 'panel', 'data-test': 'identities' },
    el('h2', null, t('actor.identities')),
    el('ul', { class: 'plain-list' }, visitor.identities.map((one) => el('li', null, el('a', { class: 'break', href: personHref(one.value, one.kind === 'visitor_id', one) }, el('bdi', null, visible(one.value))), el('div', { class: 'muted small' }, visible([t(`field.${one.kind}`), one.source, one.tenant_id].join(' · ')))))),
    visitor.more_identities && el('p', { class: 'muted small' }, t('visitor.more')),
  );
}
