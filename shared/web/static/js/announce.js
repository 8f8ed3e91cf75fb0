/* Says things to screen readers that have no place on the screen: dispatch `announce` with {text}. */
const place = document.getElementById("announcer");

document.addEventListener("announce", (event) => {
  if (!place) return;
  place.textContent = "";
  window.setTimeout(() => {
    place.textContent = event.detail.text;
  }, 50);
});
