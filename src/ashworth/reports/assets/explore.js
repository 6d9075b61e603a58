// Swaps a still figure for the interactive chart. The chart library stands in this file as plain
// text and is run on the first press of a button only.
"use strict";

let library = null;

function chartLibrary() {
  library ??= new Promise((done) => {
    const script = document.createElement("script");
    script.type = "module";
    script.textContent = document.getElementById("chart-library").textContent +
      "\nwindow.dispatchEvent(new Event('chart-library'));";
    window.addEventListener("chart-library", () => done(window.vegaEmbed), { once: true });
    document.head.append(script);
  });
  return library;
}

async function toggle(button) {
  const name = button.dataset.figure;
  const still = document.getElementById("still-" + name);
  const live = document.getElementById("live-" + name);
  const show = live.hidden;
  if (show && !live.dataset.drawn) {
    button.disabled = true;
    const embed = await chartLibrary();
    const spec = JSON.parse(document.getElementById("spec-" + name).textContent);
    await embed(live, spec, { actions: false, renderer: "svg" });
    live.dataset.drawn = "yes";
    button.disabled = false;
  }
  live.hidden = !show;
  still.hidden = show;
  button.textContent = show ? "Still figure" : "Explore";
  button.setAttribute("aria-pressed", String(show));
}

for (const button of document.querySelectorAll("button.explore")) {
  button.addEventListener("click", () => toggle(button));
}

// The address report.html#explore-NAME opens that figure's interactive chart.
if (location.hash.startsWith("#explore-")) {
  const name = location.hash.slice("#explore-".length);
  for (const button of document.querySelectorAll("button.explore")) {
    if (button.dataset.figure === name) {
      toggle(button).then(() => button.closest("figure").scrollIntoView());
    }
  }
}
