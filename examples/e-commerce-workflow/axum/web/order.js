// One order, live. The books are read at the beginning and when something has happened; what happens comes as server-sent events of the worker
// in the same process. Steps that another process executes send none here, so the books are read again now and then as long as the order is open.
const orderId = location.pathname.split("/").pop();
const at = (id) => document.getElementById(id);
const CLOSED = ["completed", "cancelled"];
const KINDS = ["step_started", "step_completed", "step_failed", "step_timed_out"];
const REREAD_MS = 3000;
const AFTER_EVENT_MS = 150;

const streams = new Map();
let events = 0;
let reading = null;

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}

const euros = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

function showStep(list, name, state, note) {
  let row = list.querySelector(`[data-step="${CSS.escape(name)}"]`);
  if (!row) {
    row = element("li", "", { "data-step": name });
    row.append(element("b", name), element("span", ""), element("small", ""));
    list.append(row);
  }
  row.className = state;
  row.children[1].textContent = state.replaceAll("_", " ");
  row.children[2].textContent = note;
}

function tellEvent(list, kind, event) {
  events += 1;
  at("live").textContent = `${events} events`;
  const { step, data } = event;
  const attempt = data.attempt > 1 ? ` (attempt ${data.attempt})` : "";
  const words = {
    step_started: "begins",
    step_completed: `is done in ${data.duration_ms} ms`,
    step_failed: `fails: ${data.message}${data.retryable ? ", and is tried again" : ""}`,
    step_timed_out: "takes too long",
  };
  at("log").append(element("li", `${step} ${words[kind]}${attempt}`, { "data-kind": kind, "data-step": step }));
  const states = { step_started: "in_progress", step_completed: "complete", step_failed: data.retryable ? "waiting_for_retry" : "error" };
  if (states[kind]) {
    showStep(list, step, states[kind], data.message ?? "");
  }
  readSoon();
}

function follow(list, task) {
  if (streams.has(task)) {
    return;
  }
  // After a lost connection the browser comes back by itself and tells the last event that it has.
  const stream = new EventSource(`/tasker/events?task_id=${task}`);
  streams.set(task, stream);
  for (const kind of KINDS) {
    stream.addEventListener(kind, (message) => tellEvent(list, kind, JSON.parse(message.data)));
  }
  stream.addEventListener("lag", readSoon);
  stream.addEventListener("open", readSoon);
}

async function showTask({ workflow, task_uuid }) {
  let list = at(`task-${workflow}`);
  if (!list) {
    at("tasks").append(element("h2", workflow));
    list = element("ul", "", { id: `task-${workflow}` });
    at("tasks").append(list);
  }
  if (!task_uuid) {
    return;
  }
  follow(list, task_uuid);
  const answer = await fetch(`/api/tasks/${task_uuid}`);
  if (!answer.ok) {
    return;
  }
  for (const step of (await answer.json()).steps) {
    const attempts = step.attempts > 1 ? `${step.attempts} attempts ` : "";
    showStep(list, step.name, step.current_state, attempts + (step.results?.error?.message ?? ""));
  }
}

async function read() {
  const answer = await fetch(`/api/orders/${orderId}`);
  const order = await answer.json();
  if (!answer.ok) {
    at("status").textContent = order.detail;
    return;
  }
  at("goods").textContent = order.lines.map((line) => `${line.quantity} × ${line.name}`).join(", ") + `, ${euros(order.total_cents)}.`;
  at("reason").textContent = order.reason ?? "";
  await Promise.all(order.tasks.map(showTask));
  at("status").textContent = order.status.replaceAll("_", " ");
  at("status").className = order.status;
  if (CLOSED.includes(order.status) && order.tasks.every((task) => task.outcome)) {
    for (const stream of streams.values()) {
      stream.close();
    }
    clearInterval(rereading);
  }
}

function readSoon() {
  reading ??= setTimeout(() => {
    reading = null;
    read();
  }, AFTER_EVENT_MS);
}

const rereading = setInterval(read, REREAD_MS);
read();
