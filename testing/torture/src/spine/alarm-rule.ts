/** Every how many numbers of a device the actor raises an alarm and sends a command. */
export const ALARM_EVERY = 5
