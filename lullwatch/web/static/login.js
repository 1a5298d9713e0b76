"use strict";
// A link from another program brings no cookie along (SameSite=Strict); asked for once more from here it comes.
(() => {
  if (location.pathname === "/login" || sessionStorage.getItem("again") === location.href) return;
  sessionStorage.setItem("again", location.href);
  location.replace(location.href);
})();
