/* Cards of facts: shown on hover, focus and tap; without this script a citation is a plain link. */
(() => {
  "use strict";

  const root = document.documentElement.dataset.content_root || "./";
  const selector = "a.emp-fact, a.reference:has(> .std-term), a.reference:has(> code.py)";
  const delay = 150;

  let card = null;
  let owner = null;
  let timer = 0;
  let pointer = "mouse";
  let loading = null;

  /* A classic script, since pages opened from disk may not fetch. */
  function cards() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${root}_static/emp-cards.js`;
      script.onload = () => resolve(window.empCards);
      script.onerror = () => reject(new Error(`${script.src} cannot be read: build the manual again`));
      document.head.append(script);
    });
    return loading;
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function fill(fact, link) {
    const head = element("p", "emp-card-head");
    head.append(
      element("span", `emp-card-title${fact.code ? " is-code" : ""}`, fact.title),
      element("span", "emp-card-kind", fact.kind),
    );
    const parts = [head];
    if (fact.summary) parts.push(element("p", "", fact.summary));
    if (fact.fields.length) {
      const list = element("dl");
      for (const [label, value] of fact.fields) list.append(element("dt", "", label), element("dd", "", value));
      parts.push(list);
    }
    const here = window.location.href.split("#")[0];
    const others = fact.pages.filter(([, uri]) => new URL(root + uri, here).href !== here);
    if (others.length) {
      const pages = element("p", "emp-card-pages", "Also used on ");
      others.forEach(([title, uri], index) => {
        if (index) pages.append(", ");
        const page = element("a", "", title);
        page.href = root + uri;
        pages.append(page);
      });
      parts.push(pages);
    }
    if (pointer === "touch") {
      const open = element("a", "", "Open its description");
      open.href = link.href;
      const line = element("p");
      line.append(open);
      parts.push(line);
    }
    if (fact.source) parts.push(element("p", "emp-card-source", fact.source));
    card.replaceChildren(...parts);
  }

  function place(link) {
    const line = link.getClientRects()[0];
    const width = card.offsetWidth;
    const height = card.offsetHeight;
    const page = document.documentElement.clientWidth;
    const left = Math.max(12, Math.min(line.left, page - width - 12));
    const above = line.bottom + height + 12 > window.innerHeight && line.top > height + 12;
    card.style.left = `${left + window.scrollX}px`;
    card.style.top = `${(above ? line.top - height - 6 : line.bottom + 6) + window.scrollY}px`;
  }

  async function show(link) {
    const all = await cards();
    const fact = all[decodeURIComponent(link.hash.slice(1))];
    if (!fact || owner === link) return;
    hide();
    owner = link;
    if (!card) {
      card = element("div", "emp-card");
      card.id = "emp-card";
      card.setAttribute("role", "note");
      card.addEventListener("pointerenter", () => clearTimeout(timer));
      card.addEventListener("pointerleave", later);
      card.addEventListener("focusout", (event) => card.contains(event.relatedTarget) || later());
      document.body.append(card);
    }
    fill(fact, link);
    card.hidden = false;
    link.setAttribute("aria-describedby", card.id);
    place(link);
  }

  function hide() {
    clearTimeout(timer);
    if (!owner) return;
    owner.removeAttribute("aria-describedby");
    owner = null;
    card.hidden = true;
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(hide, delay);
  }

  function soon(link) {
    clearTimeout(timer);
    timer = setTimeout(() => show(link), delay);
  }

  const target = (event) => (event.target.closest ? event.target.closest(selector) : null);

  document.querySelectorAll(selector).forEach((link) => link.removeAttribute("title"));
  document.addEventListener("pointerdown", (event) => {
    pointer = event.pointerType;
    if (owner && !card.contains(event.target) && !owner.contains(event.target)) hide();
  }, true);
  document.addEventListener("pointerover", (event) => {
    const link = target(event);
    if (link && event.pointerType === "mouse") {
      pointer = "mouse";
      soon(link);
    }
  });
  document.addEventListener("pointerout", (event) => {
    const link = target(event);
    if (link && event.pointerType === "mouse" && !link.contains(event.relatedTarget)) later();
  });
  document.addEventListener("focusin", (event) => {
    const link = target(event);
    if (link && pointer !== "touch" && link.matches(":focus-visible")) show(link);
  });
  document.addEventListener("focusout", (event) => {
    if (owner && event.target === owner && !card.contains(event.relatedTarget)) later();
  });
  document.addEventListener("click", (event) => {
    const link = target(event);
    if (!link || pointer !== "touch" || owner === link || card?.contains(link)) return;
    event.preventDefault();
    show(link).then(() => {
      if (owner !== link) window.location.assign(link.href);
    });
  });
  document.addEventListener("keydown", (event) => {
    pointer = "keyboard";
    if (event.key === "Escape") hide();
  });
})();
