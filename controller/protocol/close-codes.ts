/**
 * Why a connection of `reeve.v1` was ended: the WebSocket close code (RFC 6455 7.4.2, private range), the name that
 * stands in `err` and in logs, and whether trying again without a person's help makes sense.
 */
export const closeCodes = {
  PROTOCOL: {close: 4000, retry: true, text: 'the message is not one of reeve.v1, or came out of turn'},
  UNAUTHENTICATED: {close: 4001, retry: false, text: 'the signature or the token is not right'},
  HOST_UNKNOWN: {close: 4003, retry: false, text: 'no host with this id is enrolled, or it was removed'},
  HOST_FROZEN: {
    close: 4004,
    retry: false,
    text: 'two machines use this host key: both are frozen until an operator decides',
  },
  SLOW: {close: 4008, retry: true, text: 'nothing was read or said for too long'},
  REPLACED: {close: 4009, retry: true, text: 'a newer connection of this host took over'},
  VERSION: {close: 4010, retry: false, text: 'no version of the protocol is known to both'},
  TOO_LARGE: {close: 4013, retry: true, text: 'a message, batch or list is over its limit'},
  STREAM_HOLE: {close: 4014, retry: true, text: 'the batch does not follow on what is stored'},
  STREAM_REPLAYED: {close: 4015, retry: false, text: 'the stream says something else under a number that was used'},
  BUSY: {close: 4029, retry: true, text: 'more than this controller takes at a time'},
  UNAVAILABLE: {close: 4053, retry: true, text: 'the controller cannot store anything now'},
} as const;
export type CloseName = keyof typeof closeCodes;

/** RFC 6455: the controller restarts as planned; come back after the delay that `drain` said. */
export const closeRestart = 1012;
