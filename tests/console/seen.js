// What of the page that is open can hardly be read, and what can hardly be pressed. Defines two functions.

// Colours are [red, green, blue, opacity]; those that lie over others are mixed with them.
const numbers = (colour) => {
  const found = colour.match(/[\d.]+/g).map(Number);
  return [...found.slice(0, 3), found[3] ?? 1];
};
const over = (front, back) => [0, 1, 2].map((n) => front[n] * front[3] + back[n] * (1 - front[3]));
const chain = (one) => (one ? [...chain(one.parentElement), one] : []);
const behind = (one) => chain(one).reduce(
  (back, node) => over(numbers(getComputedStyle(node).backgroundColor), back), [255, 255, 255]);
const faded = (one) => chain(one).reduce((left, node) => left * Number(getComputedStyle(node).opacity), 1);

// WCAG 2.2: relative luminance, and the ratio of two.
const light = (colour) => {
  const [r, g, b] = colour.map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

const isShown = (one) => {
  const box = one.getBoundingClientRect();
  return box.width > 1 && box.height > 1;
};

// Words below 4.5 (1.4.3) and edges of fields below 3 (1.4.11), each with its ratio.
function unreadable() {
  const found = [];
  const look = (one, style, fade, what, least) => {
    const back = behind(one);
    const [r, g, b, a] = numbers(style);
    const seen = ratio(over([r, g, b, a * fade], back), back);
    if (seen < least) found.push(`${what} ${seen.toFixed(2)}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    const said = texts.currentNode.data.trim();
    if (!said || !isShown(one) || one.closest("option, noscript, .unseen, .skip")) continue;
    look(one, getComputedStyle(one).color, faded(one), said.slice(0, 30), 4.5);
  }
  for (const field of document.querySelectorAll("input, select, textarea")) {
    if (["hidden", "radio", "checkbox"].includes(field.type) || !isShown(field)) continue;
    const words = getComputedStyle(field, "::placeholder");
    if (field.placeholder) look(field, words.color, Number(words.opacity), `in ${field.name}`, 4.5);
    look(field.parentElement, getComputedStyle(field).borderTopColor, 1, `edge of ${field.name}`, 3);
  }
  return found;
}

// What is less than 24 pixels high (2.5.8). The label of a box counts, and what is drawn larger than its button.
function tooSmall() {
  const beyond = (one) => Math.max(0, -2 * parseFloat(getComputedStyle(one, "::after").top) || 0);
  const reach = (one) => (one.closest("label") ?? one).getBoundingClientRect().height + beyond(one);
  return [...document.querySelectorAll("a, button, select, input:not([type=hidden]), summary, textarea")]
    .filter((one) => isShown(one) && !one.matches(".skip") && reach(one) < 24)
    .map((one) => `${reach(one)} ${one.outerHTML.slice(0, 80)}`);
}
