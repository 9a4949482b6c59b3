/** Runs a function in its own turn of the event loop, after those queued before: a task, as HTML calls it. */
export const queueTask: (task: () => void) => void =
  typeof globalThis.setImmediate === 'function' ? (task) => void globalThis.setImmediate(task) : overPort();

/** Without `setImmediate`: posts a message to itself. A nested timer would wait some milliseconds. */
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
