package com.example.tour;

import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Walks through the libraries it depends on, prints a line for each stop, and ends. */
@Command(name = "tour", mixinStandardHelpOptions = true, version = "tour 1.0.0")
public final class Main implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  @Option(names = "--only", description = "The one stop to make.")
  private String only;

  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    LOG.info("A tour of libraries on Java {}", Runtime.version().feature());
    try (var context = new AnnotationConfigApplicationContext(Stops.class)) {
      List<Stop> stops = List.copyOf(context.getBeansOfType(Stop.class).values());
      int made = 0;
      for (Stop stop : stops) {
        if (only == null || only.equals(stop.name())) {
          LOG.info("{}: {}", stop.name(), stop.visit());
          made++;
        }
      }
      LOG.info("{} stops made", made);
      return made > 0 ? 0 : 1;
    }
  }
}
