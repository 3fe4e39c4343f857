// What the compiler and the linter find in all of the TypeScript, by one program: each of them alone takes half of its time to find out every type.
import { ESLint } from 'eslint';
import ts from 'typescript';

const program = programOf('tsconfig.json');
const errors = ts.getPreEmitDiagnostics(program);
const linter = new ESLint({
  overrideConfigFile: 'scripts/eslint.config.js',
  overrideConfig: { languageOptions: { parserOptions: { programs: [program] } } },
});
const findings = await linter.lintFiles(['.']);
const formatter = await linter.loadFormatter();
process.stdout.write(ts.formatDiagnostics(errors, { getCurrentDirectory: () => process.cwd(), getCanonicalFileName: (name) => name, getNewLine: () => '\n' }));
process.stdout.write(await formatter.format(findings));
process.exitCode = errors.length > 0 || findings.some(({ errorCount }) => errorCount > 0) ? 1 : 0;

function programOf(file: string): ts.Program {
  const host: ts.ParseConfigFileHost = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => { throw new Error(JSON.stringify(messageText)); } };
  const config = ts.getParsedCommandLineOfConfigFile(file, {}, host);
  if (config === undefined) throw new Error(`${file} cannot be read`);
  return ts.createProgram({ rootNames: config.fileNames, options: config.options, configFileParsingDiagnostics: ts.getConfigFileParsingDiagnostics(config) });
}
