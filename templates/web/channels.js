// Lets this browser subscribe to pushes, and offers its time zone: what no form can do.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll('input[name="timeZone"]')) {
  if (!field.value && zone) field.value = zone;
}

const subscribing = document.getElementById("push");
if (subscribing) {
  const status = document.getElementById("push-status");
  const button = subscribing.querySelector("button");

  const reason = () => {
    if (!window.isSecureContext) return "This browser takes pushes over https alone.";
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
      return "This browser takes no pushes. On a phone of Apple, install this page first: Share, then Add to Home Screen.";
    }
    return null;
  };

  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };

  const text = (buffer) => {
    const plain = btoa(String.fromCharCode(...new Uint8Array(buffer)));
    return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };

  const subscribe = async () => {
    const body = new URLSearchParams({ csrf: subscribing.elements.csrf.value });
    const answer = await fetch(`${base}/channels/push/key`, { method: "POST", body });
    if (!answer.ok) throw new Error((await answer.json()).error);
    const { key } = await answer.json();
    const worker = await navigator.serviceWorker.register(`${base}/push.js`, { scope: `${base}/` });
    await navigator.serviceWorker.ready;
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    subscribing.elements.endpoint.value = subscription.endpoint;
    subscribing.elements.p256dh.value = text(subscription.getKey("p256dh"));
    subscribing.elements.auth.value = text(subscription.getKey("auth"));
    subscribing.submit();
  };

  const why = reason();
  status.textContent = why ?? "";
  if (!why) {
    button.hidden = false;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      try {
        if ((await Notification.requestPermission()) !== "granted") {
          status.textContent = "The browser does not let this page show notices: allow it in the settings of the site.";
          return;
        }
        status.textContent = "Subscribing…";
        await subscribe();
      } catch (error) {
        status.textContent = `This browser could not subscribe: ${error.message}`;
      }
    });
  }
}
