import type { FolderConfig } from '../../../src/contract/settings.ts';

export interface RuleRow {
  readonly patterns: readonly string[];
  readonly why: string;
  readonly on: boolean;
}

/** What the steps have gathered so far. */
export interface Draft {
  readonly diskPath: string | null;
  readonly rules: readonly RuleRow[];
  readonly projectUuid: string | null;
  readonly collectionName: string;
  readonly deletes: 'mirror' | 'keep';
  readonly replication: number | null;
  readonly storageClass: string | null;
}

export interface StepProps {
  readonly draft: Draft;
  readonly onDraft: (change: Partial<Draft>) => void;
  readonly onNext: () => void;
  readonly onBack: (() => void) | null;
}

/** The last part of a path of any system. */
export const baseName = (path: string): string => path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '') || path;

/** The pair that the draft describes. */
export function configOf(draft: Draft, diskPath: string): FolderConfig {
  const name = baseName(diskPath);
  return {
    roots: [{ diskPath, prefix: '' }],
    name,
    target: {
      collectionUuid: null,
      projectUuid: draft.projectUuid,
      collectionName: draft.collectionName.trim() === '' ? name : draft.collectionName.trim(),
      replication: draft.replication,
      storageClasses: draft.storageClass === null ? [] : [draft.storageClass],
    },
    deletes: draft.deletes,
    rules: {
      patterns: draft.rules.filter((rule) => rule.on).flatMap((rule) => rule.patterns),
      followLinks: false,
      allowUnreadableNames: false,
    },
    paused: false,
    pausedUntilMs: null,
  };
}

/** Every pattern of every row, for a count of each. */
export const choicesOf = (rules: readonly RuleRow[]) =>
  rules.flatMap((rule) => rule.patterns.map((pattern) => ({ pattern, on: rule.on })));
