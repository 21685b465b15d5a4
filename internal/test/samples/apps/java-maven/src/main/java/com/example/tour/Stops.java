package com.example.tour;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The stops of the tour, in order, put together by Spring. */
@Configuration(proxyBeanMethods = false)
class Stops {
  @Bean
  Stop commonsCsv() {
    return new Stop("commons-csv", () -> Places.read().size() + " places");
  }

  @Bean
  Stop jackson() {
    return new Stop("jackson", () -> Formats.json(Places.read().get(0)));
  }

  @Bean
  Stop gson() {
    return new Stop("gson", () -> Formats.founded("{\"name\":\"Bath\",\"founded\":60}"));
  }

  @Bean
  Stop snakeyaml() {
    return new Stop("snakeyaml", () -> Formats.yaml("places: [Bath, Trier]"));
  }

  @Bean
  Stop jsoup() {
    return new Stop("jsoup", () -> Formats.title("<html><title>A tour</title></html>"));
  }

  @Bean
  Stop poi() {
    return new Stop("poi", () -> Formats.spreadsheet(Places.read()) + " sheet rows read back");
  }

  @Bean
  Stop compress() {
    return new Stop("commons-compress", () -> Formats.packed("a ".repeat(10_000)) + " bytes of 20000");
  }

  @Bean
  Stop guava() {
    return new Stop("guava", () -> Words.byLength("see one see all see none"));
  }

  @Bean
  Stop collections() {
    return new Stop("commons-collections4", () -> Words.count("see one see all see none", "see") + " times see");
  }

  @Bean
  Stop lang() {
    return new Stop("commons-lang3", () -> Words.initials("A tour of libraries"));
  }

  @Bean
  Stop text() {
    return new Stop("commons-text", () -> Words.distance("Cologne", "Köln") + " edits from Cologne to Köln");
  }

  @Bean
  Stop icu() {
    return new Stop("icu4j", () -> Words.latin("Київ") + ", " + Words.spelled(42));
  }

  @Bean
  Stop lucene() {
    return new Stop("lucene", () -> Search.find(Places.read(), "country:japan"));
  }

  @Bean
  Stop h2() {
    return new Stop("h2", () -> Search.older(Places.read(), 100) + " founded before the year 100");
  }

  @Bean
  Stop validator() {
    return new Stop("hibernate-validator", () -> Checks.violations(new Place("", "nowhere", 3000)) + " violations");
  }

  @Bean
  Stop codec() {
    return new Stop("commons-codec", () -> Checks.sha256("tour").substring(0, 12));
  }

  @Bean
  Stop bouncycastle() {
    return new Stop("bouncycastle", () -> Checks.sha3("tour").substring(0, 12));
  }

  @Bean
  Stop joda() {
    return new Stop("joda-time", () -> Checks.days("2024-01-01", "2025-01-01") + " days in 2024");
  }

  @Bean
  Stop okhttp() {
    return new Stop("okhttp", () -> Web.get(Web::okhttp));
  }

  @Bean
  Stop httpclient() {
    return new Stop("httpclient5", () -> Web.get(Web::httpclient));
  }
}
