import type { ThrottleDevice, WeightDevice } from "../../base/container-config.ts";
import { parseBytes } from "../../base/units.ts";

/** `/dev/sda:…` */
function splitDevice(text: string): [device: string, value: string] {
  const at = text.indexOf(":");
  if (at === -1 || at === text.length - 1) throw new Error(`bad format: ${text}`);
  const device = text.slice(0, at);
  if (!device.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  return [device, text.slice(at + 1)];
}

/** `/dev/sda:300` */
export function weightOf(text: string): WeightDevice {
  const [device, value] = splitDevice(text);
  const weight = /^\d+$/.test(value) ? Number(value) : -1;
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw new Error(`invalid weight for device: ${text}`);
  return { Path: device, Weight: weight };
}

/** `/dev/sda:1mb` */
export function bytesRateOf(text: string): ThrottleDevice {
  const [device, value] = splitDevice(text);
  try {
    return { Path: device, Rate: parseBytes(value) };
  } catch {
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    );
  }
}

/** `/dev/sda:1000` */
export function operationsRateOf(text: string): ThrottleDevice {
  const [device, value] = splitDevice(text);
  if (!/^\d+$/.test(value)) {
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path: device, Rate: Number(value) };
}
