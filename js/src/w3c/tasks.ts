/** Runs a function in a turn of the event loop of its own, behind those that were given before: a task, as HTML calls it. */
export const queueTask: (task: () => void) => void =
  typeof globalThis.setImmediate === 'function' ? (task) => void globalThis.setImmediate(task) : overPort();

/** Where there is no `setImmediate`: a message to oneself. A timer would wait, some milliseconds where timers are nested. */
function overPort(): (task: () => void) => void {
  const tasks: (() => void)[] = [];
  let channel: MessageChannel | undefined;
  return (task) => {
    if (!channel) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => tasks.shift()?.();
    }
    tasks.push(task);
    channel.port2.postMessage(undefined);
  };
}
