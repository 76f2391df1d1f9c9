// What somebody has begun to type stays when they look at something else meanwhile: in memory alone, until it is sent or they sign out.

const kept = new Map();

/** Gives a control what was typed in it before under this name, and notes what is typed from now on. */
export function draft(name, control) {
  if (kept.has(name)) control.value = kept.get(name);
  control.addEventListener('input', () => kept.set(name, control.value));
  return control;
}

/** It was sent: it is a draft no more. */
export const sent = (...names) => names.forEach((name) => kept.delete(name));
/** All of them, and what others keep for as long as one is signed in. */
export function forgetDrafts() {
  kept.clear();
  for (const forget of forgetting) forget();
}

const forgetting = [];
/** `forget()` is called when somebody signs out, or somebody else signs in. */
export const whenForgotten = (forget) => { forgetting.push(forget); };
