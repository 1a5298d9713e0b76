// A key presses the button that shows it; without this script the buttons do the same.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const within = event.target;
  if (within instanceof HTMLElement && within.matches("input:not([type=hidden]), textarea, select")) return;
  if (event.key === " ") {
    if (within instanceof HTMLElement && within.closest("button, a, summary")) return; // there it presses what it is on
    event.preventDefault();
    document.getElementById("skip").click();
    return;
  }
  const button = document.querySelector(`#review button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (button === null) return;
  event.preventDefault();
  document.querySelectorAll("#review button").forEach((other) => other.toggleAttribute("aria-busy", other === button));
  button.click();
});
