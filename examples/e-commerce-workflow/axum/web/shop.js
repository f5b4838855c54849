// The checkout. Its id is made once for a page, so that a second click, or a repetition after a lost answer, is the same order.
const form = document.getElementById("checkout");
const problem = document.getElementById("problem");
let checkoutId = crypto.randomUUID();

const euros = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

async function offer() {
  const products = await (await fetch("/api/products")).json();
  form.sku.replaceChildren(
    ...products.map(({ sku, name, price_cents, available }) => {
      const text = `${name}, ${euros(price_cents)} (${available} left)`;
      return new Option(text, sku);
    }),
  );
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const body = {
    checkout_id: checkoutId,
    customer: form.customer.value,
    country: form.country.value,
    card: form.card.value,
    lines: [{ sku: form.sku.value, quantity: Number(form.quantity.value) }],
  };
  const answer = await fetch("/api/orders", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const order = await answer.json();
  if (answer.ok) {
    location.assign(`/orders/${order.order_id}`);
  } else {
    // What was refused was not placed: the next try is another checkout.
    checkoutId = crypto.randomUUID();
    problem.textContent = order.detail;
  }
});

offer();
