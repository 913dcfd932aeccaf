/** `npm run zeppelin:spark`: the Spark that the shipped note names, with Scala 2.12; too long to be in `npm test` as well. */
import { describeSparkParagraphs } from "./spark-paragraphs.js";

describeSparkParagraphs("3.5.7");
