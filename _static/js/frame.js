"use strict";

// A page opened from a file may not read other files, so search shows titles there, without the passages.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// Shows the one journey that the reader came by; without it all journeys of the page stay in their folded list.
(() => {
  const nav = document.querySelector("nav.journeys");
  const name = new URLSearchParams(location.search).get("journey");
  if (nav && name) {
    const own = [...nav.querySelectorAll("li")].find((item) => item.dataset.journey === name);
    if (own) {
      nav.classList.add("journeys-chosen");
      own.classList.add("journey-chosen");
      nav.querySelector("details").open = true;
    }
  }
})();

// Boxes that scroll sideways can be reached and scrolled with the keyboard.
(() => {
  for (const box of document.querySelectorAll(".table-wrapper, div.highlight > pre")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.matches("pre") ? "Code, scrolls sideways" : "Table, scrolls sideways");
    }
  }
})();
