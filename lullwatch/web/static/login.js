"use strict";
// A link from another program brings no cookie along (SameSite=Strict); asked for once more from here it comes.
(() => {
  const [at, where] = (sessionStorage.getItem("again") || "0 ").split(" ");
  if (location.pathname === "/login" || (where === location.href && Date.now() - Number(at) < 10000)) return;
  sessionStorage.setItem("again", `${Date.now()} ${location.href}`);
  location.replace(location.href);
})();
