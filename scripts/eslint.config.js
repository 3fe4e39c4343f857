import tseslint from 'typescript-eslint';

// Only rules that carry meaning: what the compiler cannot say and a reader must be able to rely on. Formatting is nobody's business here.
const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };
const brands = '/^(?:ServerName|UserId|RoomId|EventId|RoomAlias|DeviceId)$/';
const noBrandCast = {
  selector: `TSAsExpression > TSTypeReference > Identifier[name=${brands}]`,
  message: 'Only the parsers of src/matrix/identifiers.ts make identifiers.',
};
const noClock = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
  { selector: "CallExpression[callee.name='Date']", message: 'Take a Clock.' },
];

export default tseslint.config(
  { ignores: ['dist/**', '.build/**', 'node_modules/**', '**/*.mjs', '**/*.js'] },
  {
    files: ['src/**/*.ts', 'spec-tests/**/*.ts', 'scripts/**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions: { project: './tsconfig.json', tsconfigRootDir: process.cwd() } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/**/*.test.ts', 'src/**/*.testing.ts', 'src/server.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock.' },
        { object: 'Math', property: 'random', message: 'Take a Random.' },
      ],
      'no-restricted-syntax': ['error', noDefaultExport, noBrandCast, ...noClock],
    },
  },
  { files: ['src/server.ts'], rules: { 'no-restricted-syntax': ['error', noDefaultExport, noBrandCast] } },
  { files: ['src/matrix/identifiers.ts'], rules: { 'no-restricted-syntax': ['error', noDefaultExport, ...noClock] } },
);
