// The component as a file.

/** The first core module of a component: the section with the number 1. */
export function coreOf(component) {
  let at = 8;
  const length = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = component[at];
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  for (;;) {
    const section = component[at];
    at += 1;
    const end = length() + at;
    if (section === 1) return component.subarray(at, end);
    at = end;
  }
}
