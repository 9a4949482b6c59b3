// Frames that break a rule.

/**
 * By the rule: the bytes, the parts that are marked, the section, the close code, and who sent them if that can't be
 * recognised.
 */
export const broken = {
  'reserved-bits': ['b1 05 48 65 6c 6c 6f', ['RSV2', 'RSV3'], 'RFC 6455, section 5.2', 1002],
  'reserved-opcode': ['83 00', ['Opcode'], 'RFC 6455, section 5.2', 1002],
  'control-fragmented': ['09 00', ['FIN'], 'RFC 6455, section 5.5', 1002],
  'control-too-long': [`89 7e 00 7e ${'00 '.repeat(126)}`, ['Length'], 'RFC 6455, section 5.5', 1002],
  'frame-masked': ['81 80 00 00 00 00', ['MASK'], 'RFC 6455, section 5.1', 1002, 'server'],
  'frame-not-masked': ['81 00', ['MASK'], 'RFC 6455, section 5.1', 1002, 'client'],
  'length-not-minimal': ['82 7e 00 05 01 02 03 04 05', ['Extended length'], 'RFC 6455, section 5.2', 1002],
  'length-top-bit': ['82 7f 80 00 00 00 00 00 00 01', ['Extended length'], 'RFC 6455, section 5.2', 1002],
  'unexpected-continuation': ['80 00', ['Opcode'], 'RFC 6455, section 5.4', 1002],
  'message-interleaved': ['01 00 81 00', ['Opcode'], 'RFC 6455, section 5.4', 1002],
  'invalid-utf8': ['81 04 48 69 c3 28', ['Payload'], 'RFC 6455, section 8.1', 1007],
  'close-payload-too-short': ['88 01 03', ['Payload'], 'RFC 6455, section 5.5.1', 1002],
  'close-code-reserved': ['88 02 03 ed', ['Payload'], 'RFC 6455, section 7.4', 1002],
  'close-reason-not-utf8': ['88 03 03 e8 ff', ['Payload'], 'RFC 6455, section 8.1', 1007],
};
