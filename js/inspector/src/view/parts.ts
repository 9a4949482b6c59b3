import { count, hex } from '../bytes.js';
import type { Rule } from '../engine.js';
import type { Frame } from '../judge/index.js';
import { OPCODES, type Wire, opcodeOf } from '../judge/wire.js';

export type PartName = 'fin' | 'rsv' | 'opcode' | 'mask' | 'length' | 'extended' | 'key' | 'payload';

/** A part of a frame, for people. */
export interface Part {
  name: PartName;
  label: string;
  /** Its offset in the bytes, and for a part of a byte which bits it is. */
  start: number;
  bits: string | undefined;
  /** As bits, or as bytes. */
  value: string;
  meaning: string;
}

/** Which part of a frame breaks a rule, where that can be told. */
const BREAKS: Partial<Record<Rule, PartName>> = {
  'reserved-bits': 'rsv',
  'reserved-opcode': 'opcode',
  'control-fragmented': 'fin',
  'control-too-long': 'length',
  'frame-not-masked': 'mask',
  'frame-masked': 'mask',
  'length-not-minimal': 'extended',
  'length-top-bit': 'extended',
  'unexpected-continuation': 'opcode',
  'message-interleaved': 'opcode',
  'invalid-utf8': 'payload',
  'deflate-malformed': 'payload',
  'close-payload-too-short': 'payload',
  'close-code-reserved': 'payload',
  'close-reason-not-utf8': 'payload',
  'message-too-big': 'length',
};

export function brokenPart({ failure }: Frame): PartName | undefined {
  return failure && BREAKS[failure.rule];
}

export function opcodeName(wire: Wire): string {
  return OPCODES[opcodeOf(wire)] ?? 'reserved opcode';
}

/** Eight digits. */
export function bitsOf(byte: number): string {
  return byte.toString(2).padStart(8, '0');
}

/** The parts that are there, in the order of the wire. */
export function partsOf(frame: Frame, bytes: Uint8Array): Part[] {
  const { wire } = frame;
  return [...firstByte(frame), ...secondByte(wire), ...extended(wire, bytes), ...key(wire, bytes), ...payload(frame)];
}

function firstByte({ wire, isCompressed }: Frame): Part[] {
  const { start, first } = wire;
  const bits = bitsOf(first);
  const opcode = opcodeOf(wire);
  const isSet = (index: number): boolean => bits[index] === '1';
  const isControl = opcode >= 8;
  const reserved = (number: number): Part => ({
    name: 'rsv', label: `RSV${number}`, start, bits: `bit ${number}`, value: bits.slice(number, number + 1),
    meaning: !isSet(number) ? 'not set'
      : number === 1 && isCompressed ? 'the message is compressed (RFC 7692)'
      : 'set: belongs to an extension',
  });
  return [
    {
      name: 'fin', label: 'FIN', start, bits: 'bit 0', value: bits.slice(0, 1),
      meaning: isSet(0) ? (isControl ? 'whole' : 'the last frame of its message') : 'more frames of the message follow',
    },
    reserved(1), reserved(2), reserved(3),
    {
      name: 'opcode', label: 'Opcode', start, bits: 'bits 4–7', value: bits.slice(4),
      meaning: `0x${opcode.toString(16)}: ${opcodeName(wire)}`,
    },
  ];
}

function secondByte({ start, second, key, length }: Wire): Part[] {
  if (second === undefined) return [];
  const bits = bitsOf(second);
  const short = second & 0x7f;
  const wide = { 126: 'the length follows in 2 bytes', 127: 'the length follows in 8 bytes' }[short];
  return [
    {
      name: 'mask', label: 'MASK', start: start + 1, bits: 'bit 0', value: bits.slice(0, 1),
      meaning: key === undefined ? 'not masked, as a server sends' : 'masked, as a client sends',
    },
    {
      name: 'length', label: 'Length', start: start + 1, bits: 'bits 1–7', value: bits.slice(1),
      meaning: `${short}: ${wide ?? `a payload of ${count(length ?? 0, 'byte')}`}`,
    },
  ];
}

function extended({ extended: { at, size }, length }: Wire, bytes: Uint8Array): Part[] {
  if (size === 0 || at >= bytes.length) return [];
  const meaning = length === undefined ? 'cut' : `a payload of ${count(length, 'byte')}`;
  const value = hex(bytes.subarray(at, at + size));
  return [{ name: 'extended', label: 'Extended length', start: at, bits: undefined, value, meaning }];
}

function key({ key }: Wire, bytes: Uint8Array): Part[] {
  if (key === undefined || key >= bytes.length) return [];
  const value = hex(bytes.subarray(key, key + 4));
  const meaning = key + 4 > bytes.length ? 'cut' : 'the payload is XORed with it, byte by byte';
  return [{ name: 'key', label: 'Masking key', start: key, bits: undefined, value, meaning }];
}

function payload({ wire }: Frame): Part[] {
  const { payload, end, length } = wire;
  const there = end - payload;
  if (length === undefined || there < 0 || (there === 0 && length > 0n)) return [];
  const isWhole = BigInt(there) === length;
  const meaning = length === 0n ? 'none' : isWhole ? 'shown below' : `of ${count(length, 'byte')}; the rest is missing`;
  return [{ name: 'payload', label: 'Payload', start: payload, bits: undefined, value: count(there, 'byte'), meaning }];
}
