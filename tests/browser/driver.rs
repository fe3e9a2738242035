//! A browser, a server with the demo's data, and the few moves that journeys are made of.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::sync::Semaphore;

use super::common::{kronika, skipped};

/// Longest wait for anything on the page.
const PATIENCE: Duration = Duration::from_secs(30);
/// Browsers at once: there are two processors.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// Where a server listens, and a key that may do everything.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) key: String,
}

/// Runs a program as long as this process lives and gives the first match of its output.
///
/// It is started by a thread that never ends: the kernel ends it with that thread.
fn beside(mut command: Command, ready: fn(&str) -> Option<String>) -> String {
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // SAFETY: prctl is async-signal-safe and touches no memory.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("is piped"));
        loop {
            if lines.read_line(&mut said).unwrap_or(0) == 0 {
                break;
            }
            if let Some(found) = ready(&said) {
                let _ = told.send(found);
            }
        }
        let _ = child.wait();
    });
    hears.recv_timeout(Duration::from_secs(120)).expect("the program says that it is ready")
}

/// The address of the one WebDriver server of this process, if there is a browser.
fn webdriver() -> Option<&'static str> {
    static DRIVER: OnceLock<Option<String>> = OnceLock::new();
    let found = DRIVER.get_or_init(|| {
        Command::new("chromedriver").arg("--version").output().ok()?;
        let mut command = Command::new("chromedriver");
        command.args(["--port=0", "--log-level=WARNING"]);
        let port = beside(command, |said| {
            let port = said.split("successfully on port ").nth(1)?.split('.').next()?;
            Some(port.to_owned())
        });
        Some(format!("http://127.0.0.1:{port}"))
    });
    match found {
        Some(address) => Some(address),
        None => skipped("chromium-driver is not installed"),
    }
}

/// The demo's server, shared by all journeys that change nothing of its data.
pub(crate) fn demo() -> Site {
    static DEMO: OnceLock<Site> = OnceLock::new();
    DEMO.get_or_init(|| {
        // A server that stands already, while a journey is being written.
        if let (Ok(url), Ok(key)) = (std::env::var("KRONIKA_BROWSER_SITE"), std::env::var("KRONIKA_KEY")) {
            return Site { url, key };
        }
        let dir = tempfile::tempdir().expect("a directory").keep();
        let data = dir.join("demo");
        let mut command = kronika();
        command.arg("demo").arg("--data-dir").arg(&data).args(["--listen", "127.0.0.1:0", "--events", "20000"]);
        let url = beside(command, |said| {
            let (_, rest) = said.split_once("listening on ")?;
            Some(rest.lines().next()?.trim().to_owned())
        });
        let key = std::fs::read_to_string(data.join("demo.key")).expect("the demo's key").trim().to_owned();
        Site { url, key }
    })
    .clone()
}

/// A browser's window that is signed in to a site.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) driver: WebDriver,
    pub(crate) site: Site,
}

/// What a browser is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) language: &'static str,
    pub(crate) dark: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Default for Look {
    fn default() -> Self {
        Self { language: "en", dark: false, width: 1440, height: 900 }
    }
}

/// A journey in a fresh profile: signed in, and without an error in the console at its end.
pub(crate) async fn journey<F, Fut>(site: &Site, walk: F)
where
    F: FnOnce(Page) -> Fut,
    Fut: Future<Output = WebDriverResult<()>>,
{
    journey_as(site, Look::default(), walk).await;
}

/// A journey in a browser of another language, size or theme.
pub(crate) async fn journey_as<F, Fut>(site: &Site, look: Look, walk: F)
where
    F: FnOnce(Page) -> Fut,
    Fut: Future<Output = WebDriverResult<()>>,
{
    browser(look, |driver| async {
        let page = Page { driver, site: site.clone() };
        page.sign_in(look.language).await?;
        walk(page.clone()).await?;
        page.assert_no_errors().await
    })
    .await;
}

/// A browser with a fresh profile; nothing where there is none.
pub(crate) async fn browser<F, Fut>(look: Look, walk: F)
where
    F: FnOnce(WebDriver) -> Fut,
    Fut: Future<Output = WebDriverResult<()>>,
{
    let Some(address) = webdriver() else { return };
    let _place = PLACES.acquire().await.expect("is never closed");
    let mut wanted = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--force-prefers-reduced-motion",
    ] {
        wanted.add_arg(argument).expect("an argument");
    }
    wanted.add_arg(&format!("--window-size={},{}", look.width, look.height)).expect("an argument");
    wanted.add_arg(&format!("--lang={}", look.language)).expect("an argument");
    if look.dark {
        wanted.add_arg("--force-dark-mode").expect("an argument");
    }
    wanted.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All).expect("a capability");
    let driver = WebDriver::new(address, wanted).await.expect("a browser starts");
    // No window is narrower than 500 pixels, and none knows of a zoom: what the page sees is said apart.
    let size = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false});
    if look.width < 500 {
        driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.expect("a size");
    }
    let failed = match driver.run_and_quit(walk).await {
        Ok(()) => return,
        Err(failed) => failed,
    };
    panic!("{failed}");
}

/// What is wrong with answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// They are a failure of the server.
    Fails,
    /// They come when the page's `troubled` is emptied.
    Waits,
}

impl Page {
    /// Signs in as the page does, and chooses a language.
    pub(crate) async fn sign_in(&self, language: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}/login", self.site.url)).await?;
        let script = "const [key, language, done] = arguments; localStorage.setItem('kronika.lang', language); \
                      localStorage.setItem('kronika.tz', 'UTC'); \
                      fetch('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({key})}) \
                      .then((answer) => done(answer.status))";
        let answer = self.driver.execute_async(script, vec![json!(self.site.key), json!(language)]).await?;
        assert_eq!(answer.json(), &json!(200), "signs in");
        Ok(())
    }

    /// Opens an address of the site and waits until it has settled.
    pub(crate) async fn open(&self, path: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}{path}", self.site.url)).await?;
        self.settled().await
    }

    /// Waits until nothing is busy any more.
    pub(crate) async fn settled(&self) -> WebDriverResult<()> {
        // Twice, since what a click begins may begin in the next frame.
        let script = "return document.querySelector('#view, main.alone') !== null && document.querySelector('[aria-busy=true]') === null \
                      && document.querySelector('main')?.children.length > 0";
        for _ in 0..2 {
            self.until("the page settles", async || {
                Ok(self.driver.execute(script, vec![]).await?.json() == &json!(true))
            })
            .await?;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        Ok(())
    }

    /// Waits for something to become true.
    pub(crate) async fn until(&self, what: &str, is: impl AsyncFn() -> WebDriverResult<bool>) -> WebDriverResult<()> {
        let began = Instant::now();
        while !is().await? {
            if began.elapsed() > PATIENCE {
                let shown = self.text("body").await.unwrap_or_default();
                panic!("{what}: not after {PATIENCE:?} at {}\n{shown}", self.driver.current_url().await?);
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        Ok(())
    }

    /// The first element of a selector, once it is shown.
    pub(crate) async fn find(&self, selector: &str) -> WebDriverResult<WebElement> {
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(40));
        query.desc(selector).and_displayed().first().await
    }

    /// All elements of a selector, as they are now.
    pub(crate) async fn all(&self, selector: &str) -> WebDriverResult<Vec<WebElement>> {
        self.driver.find_all(By::Css(selector)).await
    }

    /// Clicks what a selector names and waits until the page has settled.
    pub(crate) async fn click(&self, selector: &str) -> WebDriverResult<()> {
        let element = self.find(selector).await?;
        element.scroll_into_view().await?;
        element.click().await?;
        self.settled().await
    }

    /// Waits until nothing on the page is wider than the window.
    ///
    /// A table takes a frame to see that it has no room and to become cards.
    pub(crate) async fn fits(&self) -> WebDriverResult<()> {
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.until("the page fits the window", async || Ok(self.run(wider).await? == 0)).await
    }

    /// Types into whatever has the focus.
    pub(crate) async fn press(&self, keys: impl AsRef<str>) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(keys.as_ref()).perform().await
    }

    /// Presses one key.
    pub(crate) async fn key(&self, key: Key) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(key).perform().await?;
        self.settled().await
    }

    /// Text of the first element of a selector, as it is shown.
    pub(crate) async fn text(&self, selector: &str) -> WebDriverResult<String> {
        self.driver.find(By::Css(selector)).await?.text().await
    }

    /// Waits until the page shows a text.
    pub(crate) async fn shows(&self, text: &str) -> WebDriverResult<()> {
        self.until(&format!("`{text}` is shown"), async || Ok(self.text("body").await?.contains(text))).await
    }

    /// Path and query of the address.
    pub(crate) async fn address(&self) -> WebDriverResult<String> {
        let url = self.driver.current_url().await?;
        Ok(format!("{}{}", url.path(), url.query().map_or(String::new(), |query| format!("?{query}"))))
    }

    /// How many events the journal's list says there are.
    pub(crate) async fn rows(&self) -> WebDriverResult<u64> {
        let count = self.run("return document.querySelector('[data-test=events] [aria-rowcount], [data-test=events][aria-rowcount]')?.getAttribute('aria-rowcount') ?? '0'").await?;
        // The head is a row, too.
        Ok(count.as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).saturating_sub(1))
    }

    /// The exact number of events, once the journal's list knows it.
    pub(crate) async fn total(&self) -> WebDriverResult<u64> {
        let said = async || -> WebDriverResult<Option<u64>> {
            let text = self.text("[data-test=total]").await?;
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            Ok(digits.parse().ok().filter(|_| !text.contains('≥')))
        };
        self.until("the events are counted", async || Ok(said().await?.is_some_and(|count| count > 0))).await?;
        let (said, rows) = (said().await?, self.rows().await?);
        assert_eq!(said, Some(rows), "what is said and what the list has");
        Ok(rows)
    }

    /// What the journal shows: total, chips, bars and rows.
    pub(crate) async fn screen(&self) -> WebDriverResult<Value> {
        // How many there are comes after the rows.
        let is_counted = "return !document.querySelector('[data-test=total]')?.textContent.includes('≥')";
        self.until("the rows are counted", async || Ok(self.run(is_counted).await? == true)).await?;
        self.run(
            "const text = (name) => [...document.querySelectorAll(`[data-test=${name}]`)].map((one) => one.textContent); \
             return {total: text('total'), chips: text('chip'), rows: text('row').slice(0, 10), bars: [...document.querySelectorAll('[data-test=histogram-plot] svg text')].map((one) => one.textContent)}",
        )
        .await
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str) -> WebDriverResult<Value> {
        Ok(self.driver.execute(script, vec![]).await?.json().clone())
    }

    /// What the server answers to a program with the key.
    pub(crate) async fn ask(&self, project: &str, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.site.url)).bearer_auth(&self.site.key);
        let answer = request.header("kronika-project", project).send().await.expect("answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Rows of a statement, as the server answers it to a program with the key.
    pub(crate) async fn sql(&self, project: &str, sql: &str) -> Vec<Vec<Value>> {
        let request =
            reqwest::Client::new().post(format!("{}/api/v1/query", self.site.url)).bearer_auth(&self.site.key);
        let answer =
            request.header("kronika-project", project).json(&json!({"sql": sql})).send().await.expect("answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a text"));
        assert!(status.is_success(), "{sql}: {status} {text}");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        serde_json::from_value(body["rows"].clone()).expect("rows")
    }

    /// The one number that a statement gives.
    pub(crate) async fn figure(&self, project: &str, sql: &str) -> u64 {
        let rows = self.sql(project, sql).await;
        rows[0][0].as_str().map_or_else(|| rows[0][0].as_u64(), |text| text.parse().ok()).expect("a number")
    }

    /// A parameter of the address: all its values with `|` between them, empty where there is none.
    pub(crate) async fn param(&self, name: &str) -> WebDriverResult<String> {
        let url = self.driver.current_url().await?;
        let values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        Ok(values.collect::<Vec<_>>().join("|"))
    }

    /// Chooses the entry of the open menu that holds a text.
    pub(crate) async fn choose(&self, text: &str) -> WebDriverResult<()> {
        self.find("[role=menu]").await?;
        let script = "const [text] = arguments; const found = [...document.querySelectorAll('[role=menu] [role^=menuitem]')].find((one) => one.textContent.includes(text)); \
                      found?.click(); return found != null";
        let found = self.driver.execute(script, vec![json!(text)]).await?;
        assert_eq!(
            found.json(),
            &json!(true),
            "the menu has `{text}`: {}",
            self.text("[role=menu]").await.unwrap_or_default()
        );
        self.settled().await
    }

    /// Lets the page write and this test read the clipboard.
    pub(crate) async fn allow_clipboard(&self) -> WebDriverResult<()> {
        let both = json!({"origin": self.site.url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.driver.cdp().send_raw("Browser.grantPermissions", both).await?;
        self.driver
            .execute_async("const [done] = arguments; navigator.clipboard.writeText('').then(() => done(null))", vec![])
            .await
            .map(drop)
    }

    /// What was copied, once something was.
    pub(crate) async fn copied(&self) -> WebDriverResult<String> {
        let read =
            "const [done] = arguments; navigator.clipboard.readText().then(done, (error) => done(String(error)))";
        let text = async || {
            Ok::<_, WebDriverError>(
                self.driver.execute_async(read, vec![]).await?.json().as_str().unwrap_or_default().to_owned(),
            )
        };
        self.until("something is copied", async || Ok(!text().await?.is_empty())).await?;
        text().await
    }

    /// Answers of paths that hold a text come as a failure of the server, or late, from the next page on.
    ///
    /// It stands before the network in the browser: the server has no way to fail in one place only.
    pub(crate) async fn trouble(&self, path: &str, kind: Trouble) -> WebDriverResult<()> {
        let failure = json!({"type": "about:blank", "title": "Out of order", "status": 500, "detail": "this part is out of order", "code": "internal", "request_id": "req-of-the-failure"}).to_string();
        let script = format!(
            "window.troubled = {path}; const real = window.fetch; window.fetch = async (input, init) => {{ \
             if (window.troubled && new URL(input, location.href).href.includes(window.troubled)) {{ \
               if ({fails}) return new Response({failure}, {{status: 500, headers: {{'Content-Type': 'application/problem+json'}}}}); \
               await new Promise((go, stop) => {{ const timer = setInterval(() => window.troubled || (clearInterval(timer), go()), 20); init?.signal?.addEventListener('abort', () => (clearInterval(timer), stop(init.signal.reason))); }}); \
             }} return real(input, init); }};",
            path = json!(path),
            fails = kind == Trouble::Fails,
            failure = json!(failure),
        );
        self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await.map(drop)
    }

    /// No error in the console, no report of the policy.
    pub(crate) async fn assert_no_errors(&self) -> WebDriverResult<()> {
        let entries = self.driver.browser_log().await?;
        let bad: Vec<_> = entries
            .iter()
            .map(|entry| format!("{entry:?}"))
            .filter(|entry| entry.to_uppercase().contains("SEVERE"))
            .collect();
        assert!(bad.is_empty(), "the console tells of errors: {bad:#?}");
        Ok(())
    }
}

/// A site over a server that a journey may stop and change.
pub(crate) fn site(server: &super::common::TestServer) -> Site {
    Site { url: server.url.clone(), key: server.key.clone() }
}
