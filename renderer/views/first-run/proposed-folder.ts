let proposed: string | null = null;

/** A folder that was dropped on the overview, for the steps that come next. */
export function proposeFolder(path: string | null): void {
  proposed = path;
}

/** The dropped folder, once. */
export function takeProposedFolder(): string | null {
  const path = proposed;
  proposed = null;
  return path;
}
