"use strict";
// The night page lives: it is told what changed over one WebSocket, counts the age of the newest data by itself,
// and says when nobody tells it anything any more. It makes no sound: alerts come another way.
(() => {
  const root = document.getElementById("night");
  if (!root) return;
  const SILENT_MS = 10000;
  const LOOKING_MS = 3000;
  const FIRST_TRY_MS = 500;
  const LAST_TRY_MS = 5000;
  const csrf = document.querySelector("meta[name=csrf]").content;
  const traces = new window.LullwatchTraces(root);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const said = document.getElementById("said");
  const answer = document.getElementById("answer");
  let age = root.dataset.age === undefined ? null : Number(root.dataset.age);

  // While a phone sleeps one clock stands still in it; the other may be set. What is longer by either counts.
  const moment = () => ({ steady: performance.now(), wall: Date.now() });
  const since = (then) => Math.max(performance.now() - then.steady, Date.now() - then.wall);

  let heard = moment();
  let asked = null; // when somebody took the page up: nothing it was told before that says how it stands now
  let tried = moment();
  let shownLevel = "";
  let saidLevel = "";
  let drawnAt = 0;
  let wait = FIRST_TRY_MS;
  let later = 0;
  let socket = null;
  const shownParts = new Map();

  // the tile

  const inWords = (tile, seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    return whole < 120 ? tile.dataset.second.replace("#", whole) : tile.dataset.minute.replace("#", Math.floor(whole / 60));
  };

  const look = () => {
    const tile = root.querySelector(".tile");
    const seconds = age === null ? null : age + since(heard) / 1000;
    let level = tile.dataset.level;
    if (seconds === null || seconds > Number(tile.dataset.off)) level = "off";
    else if (seconds > Number(tile.dataset.late) && level === "recording") level = "attention";
    if (since(heard) > SILENT_MS) level = "lost";
    if (asked !== null) level = since(asked) > LOOKING_MS ? "lost" : "looking";
    for (const name of ["recording", "attention", "off", "lost", "looking"]) tile.classList.toggle(name, name === level);
    const text = tile.getAttribute(`data-word-${level}`);
    const shown = tile.querySelector(".word");
    if (shown.textContent !== text) shown.textContent = text;
    if (seconds !== null) tile.querySelector(".age").textContent = inWords(tile, seconds);
    if (level !== shownLevel) {
      document.title = `${level === "recording" ? "" : "! "}${text} · lullwatch`;
      shownLevel = level;
    }
    if (level !== saidLevel && level !== "looking") {
      if (saidLevel !== "") said.textContent = text;
      saidLevel = level;
    }
  };

  // what is told

  // What somebody is at stays theirs when the part it stands in is drawn anew.
  const nameOf = (at) => {
    const alert = at.closest("[data-alert]");
    const form = at.form ? at.form.getAttribute("action") + at.textContent : null;
    return [alert && alert.dataset.alert, at.localName, form, at.dataset.film, at.getAttribute("href")].join(" ");
  };

  const draw = (element, markup) => {
    const at = element.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    const read = [...element.querySelectorAll("details[open]")].map(nameOf);
    element.innerHTML = markup;
    for (const details of element.querySelectorAll("details")) details.open = read.includes(nameOf(details));
    const again = at && [...element.querySelectorAll("button, a, summary, input")].find((other) => nameOf(other) === at);
    if (again) again.focus();
  };

  const take = (message) => {
    heard = moment();
    asked = null;
    age = message.age;
    for (const [name, markup] of Object.entries(message.parts || {})) {
      const element = document.getElementById(name);
      if (!element) { location.reload(); return; } // another sensor is worn now
      if (shownParts.get(name) === markup) continue;
      shownParts.set(name, markup);
      draw(element, markup);
    }
    if (message.traces) traces.take(message.traces, message.whole === true);
    const now = performance.now();
    if (message.traces && !document.hidden && (!calm.matches || now - drawnAt > 1000)) {
      traces.draw();
      drawnAt = now;
    }
    look();
  };

  // A socket that only fell silent may be dead, and nobody tells the page; what comes over it after all may have waited
  // in the phone. Only what comes over one that was opened anew was said after it was asked for.
  const isSilent = () => Math.min(since(heard), since(tried)) > SILENT_MS;

  const connect = () => {
    window.clearTimeout(later);
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    tried = moment();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const own = new WebSocket(`${scheme}://${location.host}/live/${encodeURIComponent(root.dataset.infant)}`);
    own.onmessage = (event) => {
      if (isSilent()) { connect(); return; }
      wait = FIRST_TRY_MS;
      take(JSON.parse(event.data));
    };
    own.onclose = (event) => {
      if (event.code === 4401) { location.assign("/login"); return; }
      later = window.setTimeout(again, wait * (0.75 + Math.random() / 2), own);
      wait = Math.min(wait * 2, LAST_TRY_MS);
    };
    socket = own;
  };

  // A session that has ended and a gateway that is away look alike to a WebSocket; a request tells them apart.
  const again = async (closed) => {
    try {
      const found = await fetch("/manifest.webmanifest", { cache: "no-store" });
      if (found.status === 401) { location.assign("/login"); return; }
    } catch { /* the gateway is away: the tile says so, and it is tried again */ }
    if (socket === closed) connect();
  };

  const lookAnew = () => {
    asked = moment();
    connect();
    traces.draw();
    look();
  };

  // what is done

  const send = async (action, fields) => {
    const body = new URLSearchParams(fields);
    const headers = { "X-CSRF": csrf, Accept: "application/json" };
    try {
      const found = await fetch(action, { method: "POST", body, headers });
      if (found.status === 401) { location.assign("/login"); return { ok: false, text: "" }; }
      return await found.json();
    } catch {
      return { ok: false, text: root.dataset.failed };
    }
  };

  const tell = (result) => {
    answer.textContent = result.text;
    answer.classList.toggle("trouble", !result.ok);
  };

  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.act === undefined) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    tell(await send(form.getAttribute("action"), new FormData(form)));
    button.disabled = false;
    const details = form.closest("details");
    if (details) details.open = false;
  });

  root.addEventListener("click", async (event) => {
    const input = event.target;
    if (input.dataset === undefined || input.dataset.film === undefined) return;
    const fields = { infant: input.dataset.film, reference: root.dataset.filmNote };
    const result = await send("/act/film", fields);
    tell(result.ok ? { ok: true, text: root.dataset.filmDone } : result);
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) lookAnew(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) lookAnew(); });
  window.setInterval(() => { look(); if (isSilent()) connect(); }, 1000);
  look();
  connect();
  if (window.isSecureContext && "serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js");
})();
