// Where a person stands with a command that waits for an approval.

const isSame = (one, other) => one.iss === other.iss && one.sub === other.sub;

/** What this person has decided about it, or null. */
export const decisionOf = (command, person) => command.approval?.decided?.find(({ by }) => isSame(by, person))?.decision ?? null;

/** Whether the service would take a decision of theirs, as far as the command itself tells. */
export function awaits(command, person) {
  if (decisionOf(command, person)) return false;
  return !(command.approval?.not_requester && isSame(command.requested_by, person));
}

/** Such as `1 of 2 agreed`; null where one is enough. */
export function agreedOf({ approval }) {
  if (!(approval?.quorum > 1)) return null;
  const agreed = (approval.decided ?? []).filter(({ decision }) => decision === 'approve').length;
  return `${agreed} of ${approval.quorum} agreed`;
}
