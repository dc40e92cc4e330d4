/** Reason codes of MQTT 5 that the device tier sends. Source: MQTT 5, section 2.4. */
export const REASON = {
  success: 0x00,
  noMatchingSubscription: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  unsupportedVersion: 0x84,
  clientIdInvalid: 0x85,
  badCredentials: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  payloadFormatInvalid: 0x99,
  sharedSubscriptionsNotSupported: 0x9e,
  subscriptionIdentifiersNotSupported: 0xa1,
} as const

export type ReasonCode = (typeof REASON)[keyof typeof REASON]

/** Return codes of a 3.1.1 CONNACK. Source: MQTT 3.1.1, section 3.2.2.3. */
export const RETURN = {
  unacceptableVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badCredentials: 4,
  notAuthorized: 5,
} as const

export type ReturnCode = (typeof RETURN)[keyof typeof RETURN]

/** The answer of a 3.1.1 SUBACK for a filter that is refused. Source: MQTT 3.1.1, section 3.9.3. */
export const SUBACK_FAILURE = 0x80
