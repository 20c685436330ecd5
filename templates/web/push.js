// Shows what was pushed, with no page open, and opens the page that it is about: a person decides there, and never here.
"use strict";

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    // A browser demands that every push is shown.
  }
  const { title = "countersign", body = "Something waits for an answer.", tag = "countersign", url = null } = said;
  event.waitUntil(self.registration.showNotification(title, { body, tag, data: { url }, icon: "icon.svg" }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const scope = self.registration.scope;
  const wanted = event.notification.data?.url;
  // A link to anywhere else is none of ours.
  const url = wanted && wanted.startsWith(scope) ? wanted : scope;
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = pages.find((found) => found.url === url);
    return page ? page.focus() : self.clients.openWindow(url);
  };
  event.waitUntil(open());
});
