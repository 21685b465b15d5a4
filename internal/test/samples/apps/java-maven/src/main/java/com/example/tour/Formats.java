package com.example.tour;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.poi.xssf.usermodel.XSSFWorkbook;
import org.jsoup.Jsoup;
import org.yaml.snakeyaml.Yaml;

/** Reading and writing of file formats. */
final class Formats {
  private Formats() {}

  static String json(Place place) throws IOException {
    return new ObjectMapper().writeValueAsString(place);
  }

  static int founded(String json) {
    return JsonParser.parseString(json).getAsJsonObject().get("founded").getAsInt();
  }

  static Object yaml(String text) {
    return new Yaml().load(text);
  }

  static String title(String html) {
    return Jsoup.parse(html).title();
  }

  static int spreadsheet(List<Place> places) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var workbook = new XSSFWorkbook()) {
      var sheet = workbook.createSheet("places");
      for (Place place : places) {
        sheet.createRow(sheet.getPhysicalNumberOfRows()).createCell(0).setCellValue(place.name());
      }
      workbook.write(bytes);
    }
    try (var workbook = new XSSFWorkbook(new ByteArrayInputStream(bytes.toByteArray()))) {
      return workbook.getSheet("places").getPhysicalNumberOfRows();
    }
  }

  static int packed(String text) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GzipCompressorOutputStream(bytes)) {
      gzip.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.size();
  }
}
