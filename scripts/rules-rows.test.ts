import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { bypasses } from '../src/construction-rules.testing.js';

// docs/rules.md is the law; a row of its tables that no test names is only a sentence.
const rows = [...readFileSync('docs/rules.md', 'utf8').matchAll(/^\| ([A-D]\d+) \| ([^|]+) \|/gm)].map(([, row = '', path = '']) => ({ row, path }));
/** The numbered ones of table C that its rows do not repeat. */
const items = ['C7', 'C8', 'C9', 'C10'];
const titles = [
  ...bypasses.map(({ rule, what }) => `${rule}: ${what}`),
  ...['src', 'spec-tests', 'scripts'].flatMap(testFiles).flatMap((file) => titlesIn(file)),
];

describe('a row of docs/rules.md', () => {
  it('is found, every one', () => {
    expect(Object.fromEntries(['A', 'B', 'C', 'D'].map((table) => [table, rows.filter(({ row }) => row.startsWith(table)).length]))).toEqual({ A: 13, B: 16, C: 6, D: 10 });
  });

  it.each(rows)('$row is named by the title of a test: $path', ({ row }) => {
    expect(titles.some((title) => rowsNamedBy(title).includes(row))).toBe(true);
  });

  it.each(items)('%s, a numbered one, is named too', (item) => {
    expect(titles.some((title) => rowsNamedBy(title).includes(item))).toBe(true);
  });

  it('exists, when a title names it', () => {
    const known = [...rows.map(({ row }) => row), ...items];
    expect(titles.filter((title) => rowsNamedBy(title).some((row) => !known.includes(row)))).toEqual([]);
  });
});

/** `A4: …`, `… (B4 to B7)`, `D3, D4, B13: …`; not what only looks so within an id or an address. */
function rowsNamedBy(title: string): readonly string[] {
  const lists = title.match(/^[A-D]\d+(?:,? (?:and |to )?[A-D]\d+)*: |\([A-D]\d+(?:,? (?:and |to )?[A-D]\d+)*\)/g) ?? [];
  return lists.flatMap((list) => list.match(/[A-D]\d+/g) ?? []);
}

function testFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts')).map((name) => join(folder, name));
}

/** What a file gives to `describe` and `it`, the rows of their tables included. */
function titlesIn(file: string): readonly string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    const [title] = ts.isCallExpression(node) && isTest(node.expression) ? node.arguments : [];
    if (title !== undefined) titles.push(...textsIn(title));
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return titles;
}

/** `it`, `it.each`, `it.each(…)`, and the same of `describe`. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'describe';
  return (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) && isTest(callee.expression);
}

function textsIn(node: ts.Node): readonly string[] {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node)) return [node.text];
  const texts: string[] = [];
  node.forEachChild((child) => { texts.push(...textsIn(child)); });
  return texts;
}
