// What would break a promise, written as changes of the source. Each must make a test fail: see mutate.mjs. `from` must
// occur exactly once in its file, so that a change of the code is noticed here.

/**
 * @typedef {{ file: string, from: string, to: string }} Edit
 * @typedef {{ name: string, edits: Edit[], tests: string[] }} Mutation
 */

/** @type {Mutation[]} */
export const MUTATIONS = [
  {
    name: 'count a block before its answer',
    edits: [
      {
        file: 'src/blocks/block-uploader.ts',
        from: 'const result = await this.#options.store.put(md5, data, {',
        to: 'const unanswered = this.#options.store.put(md5, data, {',
      },
      {
        file: 'src/blocks/block-uploader.ts',
        from: 'return { locator: verified(result.locator, bare), reused: false };',
        to: 'unanswered.catch(() => undefined);\n    return { locator: bare, reused: false };',
      },
    ],
    tests: ['test/blocks/block-manager.test.ts'],
  },
  {
    name: 'ignore the number of copies',
    edits: [
      {
        file: 'src/keep/put-round.ts',
        from: 'return Math.max(0, this.#wantedCopies - this.#copies);',
        to: 'return this.#copies > 0 ? 0 : 1;',
      },
    ],
    tests: ['test/keep/put-round.test.ts'],
  },
  {
    name: 'skip the ctime comparison',
    edits: [
      {
        file: 'src/local/sync-disk.ts',
        from: 'stat.ctimeNs}:',
        to: '0n}:',
      },
    ],
    tests: ['test/local/sync-disk.test.ts'],
  },
  {
    name: 'skip the md5 check on GET',
    edits: [{ file: 'src/keep/keep-request.ts', from: 'if (got !== md5) {', to: "if (got === '') {" }],
    tests: ['test/keep/http-keep-client.test.ts'],
  },
  {
    name: "trust a journal row without its checksum: a file's",
    edits: [
      {
        file: 'src/sync/journal-rows.ts',
        from: 'if (entrySum(row) !== raw.sum) {',
        to: 'if (entrySum(row) === -1) {',
      },
    ],
    tests: ['test/sync/journal-checksums.test.ts'],
  },
  {
    name: "trust a journal row without its checksum: a block's",
    edits: [
      {
        file: 'src/sync/journal-blocks.ts',
        from: 'if (blockSum(block) !== row.sum) {',
        to: 'if (blockSum(block) === -1) {',
      },
    ],
    tests: ['test/sync/journal-checksums.test.ts'],
  },
  {
    name: 'journal after counting instead of before',
    edits: [
      {
        file: 'src/blocks/block-uploader.ts',
        from: 'await this.#options.acknowledge({',
        to: 'void this.#options.acknowledge({',
      },
    ],
    tests: ['test/blocks/block-manager.test.ts'],
  },
  {
    name: 'save without a fresh read',
    edits: [
      {
        file: 'src/sync/collection-saver.ts',
        from: 'let seen: CollectionRecord = await store.get(uuid, signal);',
        to: "let seen = { uuid, portableDataHash: folder.remotePdh ?? '', version: folder.remoteVersion ?? 1 } as CollectionRecord;",
      },
    ],
    tests: ['test/scenarios/one-folder.test.ts'],
  },
  {
    name: 'retry a create without looking',
    edits: [
      {
        file: 'src/api/collections.ts',
        from: 'const earlier = await this.#created(wanted.createId, signal);',
        to: 'const earlier = undefined as CollectionRecord | undefined;',
      },
    ],
    tests: ['test/api/collections.test.ts'],
  },
  {
    name: 'mirror deletes without the rescan',
    edits: [
      {
        file: 'src/sync/folder-scans.ts',
        from: '        this.#only.add(path);\n      }\n    }\n    this.task.kick();',
        to: [
          '        this.#only.add(path);',
          '        const { folder, plan, ports } = this.#core;',
          "        void this.#record([{ type: 'gone', path, wasDir: false }])",
          "          .then(() => ports.journal.confirmDeletes(folder.id, plan.deletes, 'person'))",
          '          .then(() => ports.saver.save(plan))',
          '          .then(() => this.task.kick());',
          '      }',
          '    }',
        ].join('\n'),
      },
    ],
    tests: ['test/scenarios/deletes.test.ts'],
  },
  {
    name: 'drop the mass-delete guard',
    edits: [
      {
        file: 'src/sync/mass-delete-guard.ts',
        from: 'if (figures.gone === 0 || gone * 2 <= before) {',
        to: 'if (figures.gone >= 0) {',
      },
    ],
    tests: ['test/sync/decisions.test.ts', 'test/scenarios/one-folder.test.ts'],
  },
  {
    name: 'show Saved at COMMITTED: in the bar',
    edits: [
      {
        file: 'src/status/folder-bar.ts',
        from: "const uploading = take(inState(blocks, ['PENDING', 'COMMITTED']));",
        to: "const uploading = take(inState(blocks, ['PENDING']));\n  const committed = take(inState(blocks, ['COMMITTED']));",
      },
      {
        file: 'src/status/folder-bar.ts',
        from: 'bar.saved = { ...tallies.saved };',
        to: 'bar.saved = { files: tallies.saved.files + committed.files, bytes: tallies.saved.bytes + committed.bytes };',
      },
    ],
    tests: ['test/status/status-fold.test.ts', 'test/status/status-properties.test.ts'],
  },
  {
    name: 'show Saved at COMMITTED: in the verdict',
    edits: [
      {
        file: 'src/status/folder-bar.ts',
        from: '    tallies.stored,\n    tallies.failed,',
        to: '    tallies.failed,',
      },
    ],
    tests: ['test/status/status-fold.test.ts', 'test/status/status-properties.test.ts'],
  },
  {
    name: 'follow a symlinked parent on get',
    edits: [
      {
        file: 'src/cli/files/files-thread.ts',
        from: 'const stat = fs.lstatSync(path, { throwIfNoEntry: false });\n  if (stat === undefined) {\n    fs.mkdirSync(path);',
        to: 'const stat = fs.statSync(path, { throwIfNoEntry: false });\n  if (stat === undefined) {\n    fs.mkdirSync(path);',
      },
    ],
    tests: ['test/cli/get.test.ts'],
  },
  {
    name: 'log an Authorization header',
    edits: [
      {
        file: 'src/api/api-client.ts',
        from: "this.log.log('debug', 'Asked the API', {",
        to: "this.log.log('debug', 'Asked the API', {\n      headers: this.#headers(encoded.contentType, options, ownId),",
      },
    ],
    tests: ['test/api/api-client.test.ts'],
  },
  {
    name: 'accept any IPC sender',
    edits: [
      {
        file: 'src/desktop/window-ipc.ts',
        from: '    return isOurs;',
        to: '    return true;',
      },
    ],
    tests: ['test/desktop/window-ipc.test.ts'],
  },
  {
    name: 'let a fifth block become pending',
    edits: [
      {
        file: 'src/blocks/upload-slots.ts',
        from: 'if (this.#taken < this.limit) {',
        to: 'if (this.#taken <= this.limit) {',
      },
    ],
    tests: ['test/blocks/block-manager.test.ts'],
  },
];
