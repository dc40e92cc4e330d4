import { defineErrors } from './error-entry.ts'

/** Errors of device connections and commands. */
export const deviceErrors = defineErrors({
  DEVICE_UNKNOWN: {
    seen: 'There is no device "{device}"',
    expected: 'a device that has connected before',
    remedy: 'Check the id; "millrace device ls" shows those that are known.',
    retryable: false,
  },
  DEVICE_ID_INVALID: {
    seen: 'The device id {device} is not usable',
    expected: '1 to 128 of a-z, A-Z, 0-9, ".", "_", ":" and "-"',
    remedy: 'Give the device another id.',
    retryable: false,
  },
  DEVICE_REFUSED: {
    seen: 'The device "{device}" connected with {seen}',
    expected: 'the user name "{device}" and the password that "millrace device password {device}" prints',
    remedy: 'Correct the credentials, or allow anonymous devices with devices.mqtt.allowAnonymous.',
    retryable: false,
  },
  DEVICE_TOPIC_FORBIDDEN: {
    seen: 'The device "{device}" used the topic "{topic}"',
    expected: 'a topic under devices/{device}/',
    remedy: 'Let the device use its own topics only.',
    retryable: false,
  },
  EVENT_TYPE_UNDECLARED: {
    seen: 'The device "{device}" published an event of type "{type}"',
    expected: 'a type that the application declares',
    remedy:
      'Declare the type in the application, or correct the device; the event is in the dead letters of millrace.refused.',
    retryable: false,
  },
  MQTT_MALFORMED: {
    seen: 'A connection sent a malformed packet: {reason}',
    expected: 'MQTT 3.1.1 or MQTT 5',
    remedy: 'Correct the client; the connection was closed.',
    retryable: false,
  },
  MQTT_PROTOCOL_ERROR: {
    seen: 'A client broke the protocol: {reason}',
    expected: 'packets in the order that MQTT allows',
    remedy: 'Correct the client; the connection was closed.',
    retryable: false,
  },
  MQTT_PACKET_TOO_LARGE: {
    seen: 'A connection announced a packet of {seen} bytes',
    expected: 'at most {limit} bytes',
    remedy: 'Send smaller packets, or raise devices.mqtt.packetBytesMax.',
    retryable: false,
  },
  COMMAND_UNKNOWN: {
    seen: 'There is no command "{command}"',
    expected: 'the id of a command that is still remembered',
    remedy: 'Check the id.',
    retryable: false,
  },
  COMMAND_INVALID: {
    seen: 'The command setting "{setting}" is {seen}',
    expected: '{expected}',
    remedy: 'Correct the command.',
    retryable: false,
  },
  COMMAND_EXPIRED: {
    seen: 'The command "{command}" for "{device}" was not acknowledged before its deadline {deadline}',
    expected: 'an acknowledgement in time',
    remedy: 'Send a new command with a later deadline; this one will not be executed.',
    retryable: false,
  },
  COMMAND_QUEUE_FULL: {
    seen: 'The device "{device}" has {seen} unfinished commands',
    expected: 'at most {limit}',
    remedy: 'Wait until the device has answered, or raise devices.commandsPerDeviceMax.',
    retryable: true,
  },
  LISTENER_ADDRESS_IN_USE: {
    seen: 'The address {address} is in use',
    expected: 'a free port for {purpose}',
    remedy: 'Stop the other program, or set {setting} to another port (0 chooses a free one).',
    retryable: true,
  },
  LISTENER_ADDRESS_UNUSABLE: {
    seen: 'The address {address} cannot be listened on: {reason}',
    expected: 'an address of this machine for {purpose}, with a port that this user may open',
    remedy: 'Set {setting} and its host to an address that this machine has; ports below 1024 need rights.',
    retryable: false,
  },
})
