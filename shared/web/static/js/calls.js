/* A number that is dialled says by itself that one is calling: the link goes to the telephone, the form to the desk. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-starts]");
  const form = link && document.getElementById(link.dataset.starts);
  if (!form) return;
  const body = new URLSearchParams(new FormData(form));
  body.set("number", link.getAttribute("href").replace("tel:", ""));
  body.delete("other");
  // The page shows the call by itself: news of the ticket refreshes it. A refusal is shown by asking for the page again.
  fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true })
    .then((answer) => {
      if (answer.type !== "opaqueredirect") window.location.assign(`${window.location.pathname}#call`);
    })
    .catch(() => {});
});
