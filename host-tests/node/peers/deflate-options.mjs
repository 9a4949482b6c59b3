// The parameters of RFC 7692 as ws names them. A parameter that isn't there is left to ws.

export function options(parameters) {
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const named = Object.entries(parameters).map(([name, value]) => [camel(name), value]);
  return { threshold: 0, ...Object.fromEntries(named) };
}
