/** Measures source files by the compiler's syntax trees: lines, functions, comments. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

/** A function, or a comment, that a source holds. */
export interface Measured {
  /** A function's name, else where it begins. */
  readonly name: string;
  readonly line: number;
  /** Lines of a function, columns of a comment's line. */
  readonly size: number;
}

/** The measures of a file. */
export interface SourceMeasures {
  readonly lines: number;
  readonly functions: readonly Measured[];
  readonly comments: readonly Measured[];
}

/** Measures files, named by their absolute paths. */
export function measureSources(paths: readonly string[]): Map<string, SourceMeasures> {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-measures-"));
  const project = join(folder, "tsconfig.json");
  const compilerOptions = { allowJs: true, noEmit: true, noLib: true, noResolve: true, types: [] };
  writeFileSync(project, JSON.stringify({ compilerOptions, files: paths }));
  const api = new API();
  try {
    const program = api.updateSnapshot({ openProjects: [project] }).getProject(project)?.program;
    return new Map(
      paths.map((path) => {
        const file = program?.getSourceFile(path);
        if (file === undefined) throw new Error(`${path} was not parsed`);
        return [path, measuresOf(file)];
      }),
    );
  } finally {
    api.close();
    rmSync(folder, { recursive: true });
  }
}

function measuresOf(file: SourceFile): SourceMeasures {
  const { text } = file;
  const lines = text.replace(/\n$/, "").split("\n");
  const functions: Measured[] = [];
  let code = text;
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const visit = (node: Node): void => {
    if (FUNCTIONS.has(node.kind)) {
      const line = lineAt(node.getStart(file));
      functions.push({ name: nameOf(node, file) ?? `line ${line}`, line, size: lineAt(node.end) - line + 1 });
    }
    if (LITERALS.has(node.kind)) {
      const start = node.getStart(file);
      const blank = text.slice(start, node.end).replace(/[^\n]/g, "_");
      code = code.slice(0, start) + blank + code.slice(node.end);
    }
    node.forEachChild(visit);
  };
  visit(file);
  const comments = [...code.matchAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g)].flatMap((comment) => {
    const first = lineAt(comment.index);
    return comment[0].split("\n").map((_, i) => {
      const line = first + i;
      return { name: `line ${line}`, line, size: lines[line - 1]?.length ?? 0 };
    });
  });
  return { lines: lines.length, functions, comments };
}

/** A function's own name, or that of the property or variable that holds it. */
function nameOf(node: Node, file: SourceFile): string | undefined {
  for (const named of [node, node.parent]) {
    const name = named !== undefined && "name" in named ? (named.name as Node | undefined) : undefined;
    if (name !== undefined) return name.getText(file);
  }
  return undefined;
}

const FUNCTIONS = new Set<SyntaxKind>([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

const LITERALS = new Set<SyntaxKind>([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
  SyntaxKind.RegularExpressionLiteral,
]);
