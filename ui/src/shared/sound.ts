/** A short tick, made on the spot: no file is fetched. */
let context: AudioContext | null = null;

/** Higher for a buy than for a sale. A web view that gives no sound is silent. */
export function tickSound(side: "buy" | "sell") {
  try {
    context ??= new AudioContext();
    const [now, tone, volume] = [context.currentTime, context.createOscillator(), context.createGain()];
    tone.frequency.value = side === "buy" ? 1_175 : 784;
    volume.gain.setValueAtTime(0.08, now);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + 0.09);
    tone.connect(volume).connect(context.destination);
    tone.start(now);
    tone.stop(now + 0.1);
  } catch {
    // No audio device.
  }
}
