package com.example.tour;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.queryparser.classic.QueryParser;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.ByteBuffersDirectory;

/** Finding places. */
final class Search {
  private Search() {}

  static List<String> find(List<Place> places, String query) throws Exception {
    try (var directory = new ByteBuffersDirectory()) {
      try (var writer = new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()))) {
        for (Place place : places) {
          var document = new Document();
          document.add(new TextField("name", place.name(), Field.Store.YES));
          document.add(new TextField("country", place.country(), Field.Store.YES));
          writer.addDocument(document);
        }
      }
      try (var reader = DirectoryReader.open(directory)) {
        var searcher = new IndexSearcher(reader);
        var found = new ArrayList<String>();
        for (var hit : searcher.search(new QueryParser("name", new StandardAnalyzer()).parse(query), 10).scoreDocs) {
          found.add(searcher.storedFields().document(hit.doc).get("name"));
        }
        return found;
      }
    }
  }

  static int older(List<Place> places, int year) throws SQLException {
    try (var connection = DriverManager.getConnection("jdbc:h2:mem:tour");
        var statement = connection.createStatement()) {
      statement.execute("create table place (name varchar, founded int)");
      try (var insert = connection.prepareStatement("insert into place values (?, ?)")) {
        for (Place place : places) {
          insert.setString(1, place.name());
          insert.setInt(2, place.founded());
          insert.executeUpdate();
        }
      }
      try (var result = statement.executeQuery("select count(*) from place where founded < " + year)) {
        result.next();
        return result.getInt(1);
      }
    }
  }
}
