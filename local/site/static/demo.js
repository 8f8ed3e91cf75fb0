/* Keeps the lamps of the services and the morning's progress on the demo's page up to date. */
const lamps = document.querySelector("[data-state]");
const left = document.querySelector("[data-left]");

async function look() {
  let state;
  try {
    state = await (await fetch("/state")).json();
  } catch {
    state = { services: {}, left: null };
  }
  for (const item of lamps.querySelectorAll("[data-service]")) {
    const ready = state.services[item.dataset.service] === true;
    item.dataset.ready = String(ready);
    item.querySelector("[data-word]").textContent = ready ? ": ready" : ": not ready";
  }
  if (state.left === 0) left.textContent = "The morning is over: write or call yourself.";
  else if (state.left) left.textContent = `${state.left} more customers will write or call in the next minutes.`;
}

look();
setInterval(look, 5000);
