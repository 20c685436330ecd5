"use strict";
// A log-in link has its code behind the '#', which no server, proxy or log sees. The form sends it.
const base = document.documentElement.dataset.base;
const form = document.getElementById("login");

/** Sends what stands behind the '#', if anything does. */
function follow() {
  if (location.hash.length < 2) return false;
  form.elements.credential.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  form.requestSubmit();
  return true;
}

// A link that is pasted while this page is open loads nothing anew.
addEventListener("hashchange", follow);
if (!follow()) {
  // Who follows a link from another site comes without the cookie, and is led here though logged in: asked from here, the
  // server sees the cookie and leads on.
  fetch(`${base}/login`, { redirect: "manual" }).then((answer) => {
    if (answer.type === "opaqueredirect") location.replace(base + (form.elements.next?.value ?? "/"));
  });
}
