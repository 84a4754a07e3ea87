// Pages that the server writes: their charts and pictures, and what is new in them by and by.
import { coursesChart, curveChart, letGo } from "./charts.js";
import { $, copying, themed } from "./dom.js";
import { poll } from "./poll.js";

let tag = null;

/** Make what is alive in a page of what was written. */
function enliven() {
  themed();
  for (const section of document.querySelectorAll("[data-curves], [data-courses]")) {
    const found = JSON.parse($("script[type='application/json']", section).textContent);
    if (section.matches("[data-curves]")) curveChart($(".plot", section), found);
    else coursesChart(section, found);
  }
}

/** Let the buttons beside a picture make it larger and smaller. */
document.addEventListener("click", (event) => {
  const button = event.target.closest(".zoomer button");
  if (!button) return;
  const image = $("img", document.getElementById(button.closest(".zoomer").dataset.zoom));
  const by = Number(button.dataset.by);
  if (!by) {
    image.style.maxWidth = image.style.width = "";
    return;
  }
  const width = Math.min(6000, Math.max(80, image.clientWidth * by));
  image.style.maxWidth = "none";
  image.style.width = `${width}px`;
});

/** Ask for the page, and put what has changed into its place; what a person has opened or typed stays. */
async function ask() {
  const response = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (response.status === 304) return 2500;
  if (response.status >= 500 && response.status !== 503) throw new Error(`the server answered ${response.status}`);
  tag = response.headers.get("ETag");
  const next = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
  const live = document.getElementById("live");
  const plain = (element) => {
    const copy = element.cloneNode(true);
    for (const alive of copy.querySelectorAll(".plot, img, details, button")) alive.replaceWith(alive.textContent && alive.matches("details") ? alive.textContent : "");
    return copy.innerHTML.replace(/\s+/g, " ");
  };
  if (next && plain(next) !== plain(live)) {
    const scrolled = window.scrollY;
    const opened = [...live.querySelectorAll("details")].map((details) => details.open);
    const sizes = [...live.querySelectorAll(".picture img")].map(({ style }) => [style.maxWidth, style.width]);
    document.title = next.ownerDocument.title || document.title;
    live.replaceChildren(...next.childNodes);
    letGo();
    live.querySelectorAll("details").forEach((details, k) => { details.open = opened[k] ?? details.open; });
    live.querySelectorAll(".picture img").forEach(({ style }, k) => { [style.maxWidth, style.width] = sizes[k] ?? ["", ""]; });
    enliven();
    window.scrollTo(0, scrolled);
  }
  return 2500;
}

const gone = document.createElement("p");
gone.className = "warning trouble";
gone.setAttribute("role", "status");
copying();
window.addEventListener("theme", () => themed());
enliven();
if (document.getElementById("live")) {
  poll(ask, (error) => {
    gone.textContent = error ? `The server does not answer (${error.message}). This page asks again by itself.` : "";
    if (error) document.getElementById("main").prepend(gone);
    else gone.remove();
  });
}
