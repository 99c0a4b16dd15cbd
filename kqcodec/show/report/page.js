"use strict";
const compare = document.querySelector(".compare");
const slider = compare.querySelector("input");
const place = () => compare.style.setProperty("--at", slider.value + "%");
slider.addEventListener("input", place);
place(); // a browser may have kept the value over a reload

const zoom = document.querySelector("#zoom");
zoom.addEventListener("change", () => {
  const factor = Number(zoom.value);
  compare.classList.toggle("zoomed", factor > 0);
  const layer = compare.querySelector("img, canvas");
  compare.style.width = factor > 0 ? factor * (layer.naturalWidth || layer.width) + "px" : "";
});

const veil = compare.querySelector(".veil");
const buttons = [...document.querySelectorAll(".masks button")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    for (const other of buttons) {
      other.setAttribute("aria-pressed", String(shown && other === button));
    }
    veil.hidden = !shown;
    if (shown) {
      veil.src = button.querySelector("img").src;
      document.querySelector("#picture").scrollIntoView({ block: "nearest" });
    }
  });
}
