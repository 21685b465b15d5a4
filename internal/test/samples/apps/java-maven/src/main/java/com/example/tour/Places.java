package com.example.tour;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.io.IOUtils;

/** The places in the file places.csv. */
final class Places {
  private Places() {}

  static List<Place> read() throws IOException {
    String text = IOUtils.resourceToString("/places.csv", StandardCharsets.UTF_8);
    var format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).build();
    var places = new ArrayList<Place>();
    try (var parser = format.parse(new StringReader(text))) {
      for (var row : parser) {
        places.add(new Place(row.get("name"), row.get("country"), Integer.parseInt(row.get("founded"))));
      }
    }
    return places;
  }
}
