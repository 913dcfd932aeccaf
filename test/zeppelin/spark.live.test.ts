/** The newest Spark that the connector is to be had for, with Scala 2.13. */
import { describeSparkParagraphs } from "./spark-paragraphs.js";

describeSparkParagraphs("4.1.1");
