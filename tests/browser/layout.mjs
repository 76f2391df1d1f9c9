// What does not fit on a page as it stands: axe knows nothing of it, and on a watch it is what goes wrong first.

/** What is wider than the screen, words that stand out of their buttons, and buttons that lie on each other; each in one line. */
export const overflows = (page) => page.evaluate(() => {
  const found = [];
  const name = (element) => `${element.tagName.toLowerCase()} "${(element.ariaLabel ?? element.textContent).trim().slice(0, 40)}"`;
  const { scrollWidth } = document.documentElement;
  if (scrollWidth > innerWidth) found.push(`the page is ${scrollWidth} px wide, and the screen ${innerWidth}`);
  const buttons = [...document.querySelectorAll('button, a.button, nav a')].filter((one) => one.checkVisibility({ visibilityProperty: true }));
  for (const one of buttons) {
    if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0) found.push(`${name(one)} is ${one.clientWidth} px wide, and its words ${one.scrollWidth}`);
    if (one.scrollHeight > one.clientHeight + 1 && one.clientHeight > 0) found.push(`${name(one)} is ${one.clientHeight} px high, and its words ${one.scrollHeight}`);
  }
  for (const [index, one] of buttons.entries()) {
    const here = one.getBoundingClientRect();
    for (const other of buttons.slice(index + 1)) {
      if (one.parentElement !== other.parentElement) continue;
      const there = other.getBoundingClientRect();
      const [wide, high] = [Math.min(here.right, there.right) - Math.max(here.left, there.left), Math.min(here.bottom, there.bottom) - Math.max(here.top, there.top)];
      if (wide > 1 && high > 1) found.push(`${name(one)} and ${name(other)} lie on each other`);
    }
  }
  return found;
});
