/**
 * Spark's own shell as the place where the Spark paragraphs of a note run: each one whole and unchanged, as Zeppelin's
 * interpreter hands it to the same compiler. Owns the process, and a stand-in for Zeppelin's `z`.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endOrKill } from "../../scripts/components/process-end.js";
import { type SparkFiles, sparkSubmit } from "../../scripts/components/spark.js";
import { splitParagraphText } from "../../zeppelin/paragraph-text.js";
import { until } from "../support/until.js";

const startTimeoutMs = 300_000;
const paragraphTimeoutMs = 200_000;

export class SparkShell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #directory: string;
  #output = "";
  #errors = "";
  #count = 0;

  /** @param conf what `%spark.conf` says, connector included */
  static async start(
    spark: SparkFiles,
    directory: string,
    conf: Readonly<Record<string, string>>,
  ): Promise<SparkShell> {
    const shell = new SparkShell(spark, directory, conf);
    try {
      await shell.#run(standIn, startTimeoutMs);
    } catch (error) {
      await shell.stop();
      throw error;
    }
    return shell;
  }

  private constructor(spark: SparkFiles, directory: string, conf: Readonly<Record<string, string>>) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    const program = sparkSubmit(spark, {
      mainClass: "org.apache.spark.repl.Main",
      directory,
      conf,
      parameters: ["-usejavacp"],
    });
    this.#child = spawn(program.command, program.parameters, {
      cwd: directory,
      env: { ...program.environment, TERM: "dumb" },
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-8000);
    });
    // A program that is not there shows as one that has ended.
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#child.stdin.on("error", (error) => {
      this.#errors += error.message;
    });
    process.once("exit", this.#kill);
  }

  readonly #kill = () => this.#child.kill("SIGKILL");

  /** What the text boxes of the paragraphs hold from now on. */
  async fill(values: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(values).map(([name, value]) => `z.values(${JSON.stringify(name)}) = "${value}"`);
    await this.#run(lines.join("\n"), paragraphTimeoutMs);
  }

  /** Runs a paragraph of `%spark` or `%spark.sql`. @returns what it prints, or its table as Zeppelin writes tables */
  async paragraph(text: string): Promise<string> {
    const { interpreter, body } = splitParagraphText(text);
    if (interpreter === "spark") return await this.#run(body, paragraphTimeoutMs);
    if (interpreter !== "spark.sql") throw new Error(`Spark's shell runs no %${interpreter}.`);
    const file = this.#file("sql");
    writeFileSync(file, body);
    const table = this.#file("table");
    const output = await this.#run(`z.sql(${JSON.stringify(file)}, ${JSON.stringify(table)})`, paragraphTimeoutMs);
    if (!existsSync(table)) throw new Error(`Spark made no table of\n${body}\n${output}`);
    return readFileSync(table, "utf8");
  }

  async stop(): Promise<void> {
    process.off("exit", this.#kill);
    if (this.#child.stdin.writable) this.#child.stdin.end(":quit\n");
    await endOrKill(this.#child, 15_000);
  }

  async #run(code: string, timeoutMs: number): Promise<string> {
    const file = this.#file("scala");
    writeFileSync(file, code);
    const from = this.#output.length;
    // In two pieces, so that the command is not taken for its own answer.
    const done = `paragraph-${this.#count}-done`;
    this.#child.stdin.write(`:paste ${file}\nprintln("paragraph-${this.#count}" + "-done")\n`);
    const output = await until(
      `the end of ${code.slice(0, 200)}; Spark said: ${this.#errors}`,
      () => {
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          throw new Error(`Spark's shell has ended:\n${this.#output}\n${this.#errors}`);
        }
        const end = this.#output.indexOf(done, from);
        return end !== -1 && this.#output.slice(from, end);
      },
      timeoutMs,
    );
    if (/^\S*:?\d*:? ?error: |^(Caused by: )?[\w.$]+(Exception|Error)\b/m.test(output)) throw new Error(output);
    return output;
  }

  #file(ending: string): string {
    if (ending !== "table") this.#count += 1;
    return join(this.#directory, `paragraph-${this.#count}.${ending}`);
  }
}

/** Zeppelin's context, as far as the notes use it, and its way to write a table. */
const standIn = `object z {
  val values = scala.collection.mutable.Map[String, String]()
  def textbox(name: String, default: Object): Object = values.getOrElse(name, default.toString)
  def sql(file: String, table: String): Unit = {
    import java.nio.file.{Files, Paths}
    val rows = spark.sql(new String(Files.readAllBytes(Paths.get(file)), "UTF-8"))
    val lines = rows.columns.mkString("\\t") +: rows.take(1000).toSeq.map(_.toSeq.mkString("\\t"))
    Files.write(Paths.get(table), lines.map(_ + "\\n").mkString.getBytes("UTF-8"))
  }
}`;
