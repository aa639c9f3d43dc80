"""Drives the page of `rebridge fleet --html` in a headless Chromium: drive.py PAGE HOSTS [PICTURES]

PAGE has HOSTS hosts, among them the one called HOSTILE. Prints a line for each thing that was tried, and fails with the
first that is not so. With PICTURES, a folder, it only draws the pictures of the documents.
"""
import json
import pathlib
import sys
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.service import Service

HOSTILE = "=<img src=x onerror=window.harmed=1></script><script>window.harmed=2</script>"


class Page:
    def __init__(self, path):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.url = pathlib.Path(path).resolve().as_uri()

    def open(self, width, scheme="light", height=900):
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(self.url)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def names(self):
        return self.script("return [...document.querySelectorAll('#rows .open')].map((cell) => cell.textContent)")

    def column(self, title):
        return self.script(
            "return [...document.querySelectorAll(`#rows td[data-title='${arguments[0]}']`)].map((cell) => cell.textContent)",
            title)

    def shown(self):
        return self.one("#shown").text

    def sort(self, title):
        next(button for button in self.all("#head button") if button.text.strip(" ▲▼") == title).click()

    def select(self, name, value):
        self.script("const at = document.getElementById(arguments[0]); at.value = arguments[1];"
                    "at.dispatchEvent(new Event('change'))", name, value)

    def faults(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def check(what, so):
    if not so:
        sys.exit(f"NOT SO: {what}")
    print(f"ok {what}")


def sorts(page):
    page.sort("Host")
    up = page.names()
    check("a click on the title sorts up", up == sorted(up) and len(up) > 20)
    check("the title says so", page.one("#head th").get_attribute("aria-sort") == "ascending")
    page.sort("Host")
    down = page.names()
    check("a second click sorts down", down == sorted(down, reverse=True) and down[0] != up[0])
    page.sort("State")
    states = page.column("State")
    check("states sort by urgency", states[0] == "clashes now")


def filters(page, hosts):
    tiles = page.all("#tiles button")
    numbers = [int(tile.find_element(By.TAG_NAME, "strong").text) for tile in tiles]
    check("the tiles count all hosts", numbers[0] == hosts and sum(numbers[1:]) == hosts)
    tiles[1].click()
    check("a tile filters", page.shown() == f"{numbers[1]} hosts of {hosts}")
    check("a tile is pressed", tiles[1].get_attribute("aria-pressed") == "true")
    check("only that state is left", set(page.column("State")) == {"clashes now"})
    page.select("state", "clear")
    check("the select filters", set(page.column("State")) <= {"clear"} and page.shown().startswith(f"{numbers[3]} "))
    page.one("#filters button[type=reset]").click()
    check("Clear shows all", page.shown() == f"{hosts} hosts of {hosts}")
    page.select("group", "sin")
    check("a group filters", set(page.column("Group")) == {"sin"})
    page.one("#filters button[type=reset]").click()


def searches(page, hosts):
    field = page.one("#search")
    began = time.monotonic()
    field.send_keys("web-0006")
    check("the search finds a host", page.names() == ["web-0006"])
    check("the search is quick", time.monotonic() - began < 3)
    field.clear()
    field.send_keys("172.17.1.10")
    found = page.names()
    check("the search finds who hides an address", 1 < len(found) < hosts and "web-0007" not in found)
    field.clear()
    field.send_keys("no such thing")
    check("nothing is found", page.shown() == f"0 hosts of {hosts}" and page.names() == [])
    page.one("#filters button[type=reset]").click()


def keyboard(page):
    page.one("#json").send_keys(Keys.TAB)
    check("Tab goes to the titles", page.script("return document.activeElement.closest('thead') !== null"))
    for _ in range(len(page.all("#head th"))):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
    check("and on to the first host", page.script("return document.activeElement.className") == "open")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    check("Enter opens its details", len(page.all(".detail")) == 1 and "Plan" in page.one(".detail").text)
    check("it says so", page.one("#rows .open").get_attribute("aria-expanded") == "true")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    check("Enter closes them", page.all(".detail") == [])
    grid = page.one(".grid")
    squares = grid.find_elements(By.TAG_NAME, "button")
    check("one square of a block takes the focus", [square.get_attribute("tabindex") for square in squares].count("0") == 1)
    squares[0].send_keys(Keys.ARROW_RIGHT)
    check("arrows go on", page.script("return document.activeElement === arguments[0]", squares[1]))
    said = page.one("#part").text
    check("the square tells its hosts", "web-" in said and "/16" in said)
    squares[1].send_keys(Keys.ENTER)
    check("Enter shows its hosts", page.one("#part-filter").is_displayed() and "Only" in page.one("#part-filter").text)
    page.one("#part-filter").click()
    check("and all again", not page.one("#part-filter").is_displayed())


def is_safe(page):
    page.one("#search").send_keys("onerror")
    check("a hostile name is text", page.names() == [HOSTILE])
    page.one("#rows .open").click()
    check("no element came of it", page.all("img") == [] and page.script("return window.harmed === undefined"))
    page.one("#filters button[type=reset]").click()
    asked = page.script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    check("nothing was asked of the network", [name for name in asked if not name.startswith("data:")] == [])


def takes_away(page, hosts):
    page.script("window.taken = []; URL.createObjectURL = (blob) => { window.taken.push(blob); return '#'; }")
    page.one("#csv").click()
    page.one("#json").click()
    csv, text = page.driver.execute_async_script(
        "const done = arguments[0]; Promise.all(window.taken.map((blob) => blob.text())).then(done)")
    lines = csv.strip().split("\r\n")
    check("the CSV has a line a host", len(lines) == hosts + 1 and lines[0].startswith('"Host","Group","State"'))
    check("a name is no formula in it", f'"\'{HOSTILE}"' in csv)
    fleet = json.loads(text)
    check("the JSON has every host", len(fleet["hosts"]) == hosts and fleet["schema"] == 1)
    check("with what hosts share", fleet["hosts"][0]["pools"][0]["size"] == 24 and "run" in fleet["hosts"][0]["plan"])


def prints(page, hosts):
    page.driver.execute_cdp_cmd("Page.printToPDF", {})
    check("a print has every host", len(page.names()) == hosts)


CONTRAST = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const back = light(getComputedStyle(document.body).backgroundColor);
return arguments[0].map((selector) => {
  const text = light(getComputedStyle(document.querySelector(selector)).color);
  return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
});
"""


def readable(page, width, scheme):
    page.open(width, scheme)
    wide = page.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check(f"nothing is cut off at {width} px", wide <= 0)
    page.all("#rows .open")[0].click()
    wide = page.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check(f"nor with details at {width} px", wide <= 0)
    ratios = page.script(CONTRAST, ["h1", ".dim", ".present", ".latent", ".clear", ".open"])
    check(f"text stands out, {scheme}", min(ratios) >= 4.5)


def draw(page, folder):
    """The pictures of the documents."""
    for name, width, scheme in (("fleet", 1280, "light"), ("fleet-narrow", 400, "dark")):
        page.open(width, scheme, height=1500)
        page.one("#search").send_keys("web-")
        page.all(".block button")[0].send_keys(Keys.ARROW_RIGHT)
        page.script("window.scrollTo(0, 0)")
        page.driver.save_screenshot(f"{folder}/{name}.png")


def labels(page):
    bare = page.script("""return [...document.querySelectorAll('button, input, select')].filter((one) => one.offsetParent &&
      !one.textContent.trim() && !one.getAttribute('aria-label') && !one.closest('label')).length""")
    check("every control has a name", bare == 0)
    twice = page.script("""const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
      return ids.length - new Set(ids).size""")
    check("no id comes twice", twice == 0)
    check("the table is one", page.script("return document.querySelectorAll('#hosts thead th[scope=col]').length >= 7"
                                          "&& document.querySelectorAll('#rows th[scope=row]').length > 0"))


def main(path, hosts, pictures=None):
    page = Page(path)
    try:
        if pictures:
            draw(page, pictures)
            return
        page.open(1280)
        ready = page.script("return performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
        check(f"the page is there in {ready} ms", ready < 5000)
        check("the verdict stands on it", str(hosts) in page.one("#verdict").text)
        check("not all rows are drawn at once", 0 < len(page.names()) <= 300)
        labels(page)
        sorts(page)
        filters(page, hosts)
        searches(page, hosts)
        is_safe(page)
        keyboard(page)
        takes_away(page, hosts)
        prints(page, hosts)
        for width, scheme in ((1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")):
            readable(page, width, scheme)
        check("no fault in the console", page.faults() == [])
    finally:
        page.driver.quit()


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
