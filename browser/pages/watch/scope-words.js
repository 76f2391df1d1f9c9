// What a session may do, in words.

const WORDS = {
  'assistant:ask': 'ask', 'events:read': 'see events and alerts', 'runbooks:read': 'see runbooks', 'commands:request': 'ask for commands',
  'commands:approve': 'approve commands', mediations: 'mediate', 'silences:write': 'silence alarms',
};

/** A scope that is not known here is shown as it is. */
export const scopeInWords = (scope) => (Object.hasOwn(WORDS, scope) ? WORDS[scope] : scope);
