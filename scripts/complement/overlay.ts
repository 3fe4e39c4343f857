/** What `go test -overlay` reads: a file of the checkout, there or not, and the file that is compiled in its place. */
export interface Overlay {
  readonly Replace: Readonly<Record<string, string>>;
}

/** The places in Complement's test_main.go where a deployment is made or ended, and what stands there in an overlaid run. */
const EDITS: readonly (readonly [find: string, replaceBy: string])[] = [
  ['"github.com/matrix-org/complement/ct"\n', '"github.com/matrix-org/complement/ct"\n\t"github.com/matrix-org/complement/internal/cloison"\n'],
  ['return testPackage.OldDeploy(t, blueprint)', 'return cloison.DeployFresh(t, blueprint, testPackage.Config)'],
  ['return testPackage.Deploy(t, numServers)', 'return cloison.Deploy(t, numServers, testPackage.Config)'],
  ['defer testPackage.Cleanup()\n', 'defer testPackage.Cleanup()\n\t\tdefer cloison.DestroyAll()\n'],
];

/** A commit of Complement that these edits do not fit. */
export class UnknownCheckout extends Error {}

/** Complement's test_main.go with our deployer in the place of Docker. */
export function withOurDeployer(testMain: string): string {
  return EDITS.reduce((text, [find, replaceBy]) => {
    if (text.split(find).length !== 2) throw new UnknownCheckout(`test_main.go does not have \`${find.trim()}\` once: this commit of Complement is not known`);
    return text.replace(find, () => replaceBy);
  }, testMain);
}

export interface Places {
  readonly checkout: string;
  /** Our repository. */
  readonly root: string;
  /** The test_main.go that was made. */
  readonly testMain: string;
  /** The names of the files of our package, and of the one that names our tag. */
  readonly deployer: readonly string[];
  readonly tag: string;
}

/** Nothing is written into the checkout: its files are replaced, and ours added, only in the eyes of the compiler. */
export function overlayOf({ checkout, root, testMain, deployer, tag }: Places): Overlay {
  const ours = `${root}/spec-tests/complement`;
  return {
    Replace: {
      [`${checkout}/test_main.go`]: testMain,
      [`${checkout}/runtime/${tag}`]: `${ours}/runtime/${tag}`,
      ...Object.fromEntries(deployer.map((name) => [`${checkout}/internal/cloison/${name}`, `${ours}/${name}`])),
    },
  };
}

/**
 * The line to be run: Complement's own command with our overlay and our tag; one package at a time, because servers have fixed addresses,
 * and without vet, which knows no folder that is only in an overlay.
 */
export function goTestLine({ checkout, root, overlay, sealed }: { checkout: string; root: string; overlay: string; sealed: boolean }): string {
  const environment = [
    `CLOISON_ROOT=${quoted(root)}`,
    ...(sealed ? ['COMPLEMENT_SEALED=1'] : []),
    'COMPLEMENT_BASE_IMAGE=cloison',
    'COMPLEMENT_ENABLE_DIRTY_RUNS=1',
    'COMPLEMENT_HOSTNAME_RUNNING_COMPLEMENT=localhost',
  ].join(' ');
  return `cd ${quoted(checkout)} && ${environment} go test -overlay ${quoted(overlay)} -tags cloison_blacklist -vet=off -p 1 -count=1 -timeout 60m -json ./tests ./tests/csapi`;
}

function quoted(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
